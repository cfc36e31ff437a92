"""Times llama.cpp on a GGUF file; prints the same JSON as `dynamax bench --json`.

usage: llama_cpp_bench.py MODEL.gguf [-p 512] [-n 128] [-t 2] [--repeat 1] [--plain]
                          [--flash-attention auto|on|off]

Context settings are llama.cpp's own (keys and values in f16), but for flash attention: on a processor it makes prefill
faster and decoding at some depth slower, so that its best takes two settings.
"""

import llama_cpp

import peer_timing


@llama_cpp.llama_log_callback
def silent(level, text, data):
    pass


FLASH_ATTENTION = {
    "auto": llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}


class Model:
    def __init__(self, options):
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = not options.plain
        self.model = llama_cpp.llama_model_load_from_file(options.model.encode(), parameters)
        if not self.model:
            raise SystemExit(f"{options.model}: llama.cpp could not load the file")
        context = options.prefill + options.decode
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.flash_attn_type = FLASH_ATTENTION[options.flash_attention]
        parameters.n_threads = parameters.n_threads_batch = options.threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise SystemExit(f"{options.model}: llama.cpp could not create a context of {context} tokens")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def feed(self, tokens):
        for start in range(0, len(tokens), 512):
            part = tokens[start : start + 512]
            numbers = (llama_cpp.llama_token * len(part))(*part)
            status = llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(numbers, len(part)))
            if status != 0:
                raise SystemExit(f"llama_decode returned {status} for a batch of {len(part)}")
        llama_cpp.llama_get_logits_ith(self.context, -1)


def main():
    parser = peer_timing.arguments(__doc__)
    parser.add_argument("--plain", action="store_true", help="no repacked weights and no AMX")
    parser.add_argument("--flash-attention", choices=FLASH_ATTENTION, default="auto")
    options = parser.parse_args()
    llama_cpp.llama_log_set(silent, None)
    llama_cpp.llama_backend_init()
    system = llama_cpp.llama_print_system_info().decode().strip()
    peer_timing.report(Model, options, f"llama.cpp of llama-cpp-python {llama_cpp.__version__} ({system})")


main()

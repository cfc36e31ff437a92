"""Times llama.cpp on a GGUF file; prints the same JSON as `dynamax bench --json`.

usage: llama_cpp_bench.py MODEL.gguf [-p 512] [-n 128] [-t 2] [--repeat 1] [--plain]
                          [--flash-attention auto|on|off]

prefill: one batch of P tokens on an empty context; decode: N single tokens after it. Both follow a short warm-up.
Sampling is not timed. Context settings are llama.cpp's own (keys and values in f16), but for flash attention: on a
processor it makes prefill faster and decoding at some depth slower, so that its best takes two settings.
"""

import argparse
import json
import random
import statistics
import time

import llama_cpp


@llama_cpp.llama_log_callback
def silent(level, text, data):
    pass


FLASH_ATTENTION = {
    "auto": llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}


class Model:
    def __init__(self, path, context, threads, plain, flash_attention):
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = not plain
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), parameters)
        if not self.model:
            raise SystemExit(f"{path}: llama.cpp could not load the file")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = 512
        parameters.flash_attn_type = FLASH_ATTENTION[flash_attention]
        parameters.n_threads = parameters.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise SystemExit(f"{path}: llama.cpp could not create a context of {context} tokens")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def feed(self, count):
        """Runs random tokens, as one batch, at the next positions; logits for the last."""
        tokens = (llama_cpp.llama_token * count)(*(random.randrange(self.vocabulary) for _ in range(count)))
        status = llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(tokens, count))
        if status != 0:
            raise SystemExit(f"llama_decode returned {status} for a batch of {count}")
        llama_cpp.llama_get_logits_ith(self.context, -1)


def rate(count, work):
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def summary(runs):
    return {"tokens_per_second": {"median": statistics.median(runs), "runs": runs}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-p", "--prefill", type=int, default=512)
    parser.add_argument("-n", "--decode", type=int, default=128)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="no repacked weights and no AMX")
    parser.add_argument("--flash-attention", choices=FLASH_ATTENTION, default="auto")
    arguments = parser.parse_args()
    llama_cpp.llama_log_set(silent, None)
    llama_cpp.llama_backend_init()
    random.seed(0)
    context = arguments.prefill + arguments.decode
    model = Model(arguments.model, context, arguments.threads, arguments.plain, arguments.flash_attention)
    model.feed(min(64, arguments.prefill))
    for _ in range(4):
        model.feed(1)
    prefill, decode = [], []
    for _ in range(arguments.repeat):
        model.clear()
        prefill.append(rate(arguments.prefill, lambda: model.feed(arguments.prefill)))
        decode.append(rate(arguments.decode, lambda: [model.feed(1) for _ in range(arguments.decode)]))
    print(
        json.dumps(
            {
                "engine": f"llama.cpp of llama-cpp-python {llama_cpp.__version__}",
                "system": llama_cpp.llama_print_system_info().decode().strip(),
                "prefill": summary(prefill),
                "decode": summary(decode),
            }
        )
    )


main()

"""Times PyTorch on random weights in bfloat16; prints the same JSON as `dynamax bench --json`.

usage: pytorch_bench.py CONFIG.json [-p 512] [-n 128] [-t 2] [--repeat 1] [--cache dynamic|static]

The model is transformers' own for the configuration, with attention by scaled_dot_product_attention.
"""

import json
from pathlib import Path

import torch
import transformers

import peer_timing


class Model:
    def __init__(self, options):
        settings = json.loads(Path(options.model).read_text())
        settings.pop("torch_dtype", None)
        settings.pop("quantization_config", None)
        config = transformers.AutoConfig.for_model(**settings)
        torch.set_default_dtype(torch.bfloat16)
        self.model = transformers.AutoModelForCausalLM.from_config(config).eval()
        self.vocabulary, self.context, self.kind = config.vocab_size, options.prefill + options.decode, options.cache
        self.clear()

    def clear(self):
        if self.kind == "static":
            self.cache = transformers.StaticCache(config=self.model.config, max_cache_len=self.context)
        else:
            self.cache = transformers.DynamicCache(config=self.model.config)
        self.length = 0

    def feed(self, tokens):
        positions = torch.arange(self.length, self.length + len(tokens))[None]
        self.model(
            torch.tensor([tokens]), past_key_values=self.cache, position_ids=positions, use_cache=True, logits_to_keep=1
        )
        self.length += len(tokens)


@torch.inference_mode()
def main():
    parser = peer_timing.arguments(__doc__)
    parser.add_argument("--cache", choices=["dynamic", "static"], default="dynamic", help="for keys and values")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    engine = f"PyTorch {torch.__version__}, transformers {transformers.__version__}"
    peer_timing.report(Model, options, engine)


main()

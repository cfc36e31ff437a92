"""An OpenVINO model with random weights at the shape of a config.json, exported from transformers by optimum-intel.

usage: random_openvino.py CONFIG.json FOLDER [--type q8|q4|bf16]      (Llama and Mistral shapes)

q8 and q4 are what optimum-intel makes by default of 8 and 4 bits, but that all layers take 4 bits in the latter (symmetric,
groups of 128; token table and head keep 8), as a file in Q4_0 has them. bf16 leaves weights in 16 bits.
"""

import argparse
import json
import tempfile
from pathlib import Path

import torch
import transformers
from optimum.intel import OVModelForCausalLM, OVWeightQuantizationConfig

TYPES = {
    "q8": OVWeightQuantizationConfig(bits=8),
    "q4": OVWeightQuantizationConfig(bits=4, sym=True, group_size=128, ratio=1.0),
    "bf16": None,
}


def write(settings, folder, kind):
    """Writes a folder beside its final place and moves it there when it is whole."""
    settings = {name: value for name, value in settings.items() if name not in ("torch_dtype", "quantization_config")}
    config = transformers.AutoConfig.for_model(**settings)
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        checkpoint, partial = Path(temporary) / "checkpoint", Path(temporary) / "exported"
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(checkpoint)
        torch.set_default_dtype(torch.float32)
        model = OVModelForCausalLM.from_pretrained(
            checkpoint, export=True, compile=False, quantization_config=TYPES[kind], load_in_8bit=False
        )
        model.save_pretrained(partial)
        partial.rename(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--type", choices=TYPES, default="q8")
    arguments = parser.parse_args()
    write(json.loads(arguments.config.read_text()), arguments.folder, arguments.type)

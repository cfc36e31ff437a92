"""Times OpenVINO on a folder of random_openvino.py; prints the same JSON as `dynamax bench --json`.

usage: openvino_bench.py FOLDER [-p 512] [-n 128] [-t 2] [--repeat 1] [--option NAME=VALUE]...

The model keeps its keys and values itself, in the form that the processor's plugin chooses; so are all other settings the
plugin's own, but for the threads and what --option names.
"""

import numpy as np
import openvino
import openvino.opset13 as operations

import peer_timing


def keep_last_row(model):
    """Takes the logits of the last position alone, as OpenVINO GenAI does: the head need not run over a prompt."""
    node = model.output("logits").get_node().input_value(0).get_node()
    while node.get_type_name() != "MatMul":
        node = node.input_value(0).get_node()
    rows = operations.slice(node.input_value(0), [-1], [2**31 - 1], [1], [1])
    node.input(0).replace_source_output(rows.output(0))
    model.validate_nodes_and_infer_types()


class Model:
    def __init__(self, options):
        model = openvino.Core().read_model(f"{options.model}/openvino_model.xml")
        keep_last_row(model)
        settings = {"INFERENCE_NUM_THREADS": options.threads, "PERFORMANCE_HINT": "LATENCY"}
        settings |= dict(option.split("=", 1) for option in options.option)
        compiled = openvino.Core().compile_model(model, "CPU", settings)
        self.request = compiled.create_infer_request()
        self.inputs = {name for port in compiled.inputs for name in port.names}
        self.vocabulary = compiled.output("logits").partial_shape[-1].get_length()
        self.length = 0

    def clear(self):
        self.request.reset_state()
        self.length = 0

    def feed(self, tokens):
        end = self.length + len(tokens)
        inputs = {
            "input_ids": np.array([tokens], np.int64),
            "attention_mask": np.ones((1, end), np.int64),
            "position_ids": np.arange(self.length, end, dtype=np.int64)[None],
            "beam_idx": np.zeros(1, np.int32),
        }
        self.request.infer({name: value for name, value in inputs.items() if name in self.inputs})
        self.length = end


def main():
    parser = peer_timing.arguments(__doc__)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="for the processor's plugin")
    options = parser.parse_args()
    peer_timing.report(Model, options, f"OpenVINO {openvino.__version__}")


main()

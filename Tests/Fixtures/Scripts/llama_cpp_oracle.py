"""llama.cpp through the low-level interface of llama-cpp-python: its logits, and ggml's quantizers.

needs: llama-cpp-python (checked with 0.3.36), gguf, numpy
"""

import ctypes
from pathlib import Path

import gguf
import llama_cpp
import numpy as np

_library = Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so"
_ggml = ctypes.CDLL(str(_library))
_ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
_ggml.ggml_quantize_chunk.argtypes = (
    [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
)


@llama_cpp.llama_log_callback
def _silent(level, text, data):
    pass


llama_cpp.llama_log_set(_silent, None)
llama_cpp.llama_backend_init()


def quantize(rows, kind):
    """Blocks of a type, [rows, bytes] u8, from [rows, columns] f32."""
    rows = np.ascontiguousarray(rows, np.float32)
    block, size = gguf.GGML_QUANT_SIZES[kind]
    out = np.empty((rows.shape[0], rows.shape[1] // block * size), np.uint8)
    written = _ggml.ggml_quantize_chunk(
        kind.value, rows.ctypes.data, out.ctypes.data, 0, rows.shape[0], rows.shape[1], None
    )
    assert written == out.nbytes, (kind, written, out.nbytes)
    return out


def dequantize(blocks, kind):
    """What ggml itself reads from blocks: [rows, bytes] u8 to [rows, columns] f32."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    out = np.empty((blocks.shape[0], blocks.shape[1] // size * block), np.float32)
    row = getattr(_ggml, f"dequantize_row_q{kind.name[1:]}")
    row.argtypes, row.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64], None
    blocks = np.ascontiguousarray(blocks)
    row(blocks.ctypes.data, out.ctypes.data, out.size)
    return out


def logits(path, tokens):
    """Logits [T, V] for all tokens of a prompt, with keys and values kept in float32."""
    parameters = llama_cpp.llama_model_default_params()
    parameters.use_extra_bufts = False  # the plain kernels: no repacking, no AMX
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        raise SystemExit(f"{path}: refused by llama.cpp")
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 64
    parameters.type_k = parameters.type_v = gguf.GGMLQuantizationType.F32.value
    parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    parameters.n_threads = parameters.n_threads_batch = 1
    context = llama_cpp.llama_init_from_model(model, parameters)
    batch = llama_cpp.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for i, token in enumerate(tokens):
        batch.token[i], batch.pos[i], batch.logits[i] = int(token), i, 1
        batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
    status = llama_cpp.llama_decode(context, batch)
    assert status == 0, f"{path}: llama_decode returned {status}"
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    out = np.ctypeslib.as_array(llama_cpp.llama_get_logits(context), (len(tokens), vocabulary)).copy()
    llama_cpp.llama_batch_free(batch)
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return out

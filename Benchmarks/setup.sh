#!/bin/sh
# Creates Benchmarks/venv with the peers: llama.cpp built for this machine's processor, through llama-cpp-python; OpenVINO and
# PyTorch as they are published.
#
# Build with clang: gcc 12 drops the AMX tile configuration (its _tile_loadconfig declares 8 of the 64 bytes read), and
# llama.cpp then stops with an illegal instruction on processors that have AMX.
set -eu
cd "$(dirname "$0")"
: "${PYTHON:=python3}" "${CC:=clang}" "${CXX:=clang++}"
export CC CXX
export CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAMA_BUILD_TESTS=OFF ${CMAKE_ARGS:-}"
"$PYTHON" -m venv venv
venv/bin/pip install --quiet --no-cache-dir --no-binary llama-cpp-python -r requirements.txt  # a cached wheel may be gcc's
venv/bin/python -c "
import llama_cpp, openvino, torch
print(llama_cpp.llama_print_system_info().decode().strip(), 'OpenVINO', openvino.__version__, 'PyTorch', torch.__version__)"

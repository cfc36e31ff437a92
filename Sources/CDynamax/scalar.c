// The scalar table: plain loops, the oracle of the vector tables.
#include "kernels.h"

#pragma clang fp contract(off)

#define FLOATS float
#define UINTS uint32_t
#define FMA __builtin_fmaf

#include "functions.h"
#include "scalar/product.h"
#include "scalar/rows.h"
#include "scalar/mixed.h"
#include "scalar/attention.h"
#include "scalar/recurrence.h"

#include "scalar/matrices.h"
#include "scalar/row_gradients.h"
#include "scalar/losses.h"
#include "scalar/attention_gradient.h"
#include "scalar/convolve_gradient.h"
#include "scalar/scan_gradient.h"
#include "scalar/ssd_gradient.h"
#include "scalar/optimizers.h"

const dx_kernels dx_kernels_scalar = {
    .name = "scalar",
    .product_f32 = product_f32,
    .product_f16 = product_f16,
    .product_bf16 = product_bf16,
    .product_int8 = product_int8,
    .product_int4 = product_int4,
    .quantize = quantize,
    .pack = dx_pack_blocks,
    .unpack = dx_unpack_rows,
    .rms_norm = rms_norm,
    .rotary = rotary,
    .swiglu = swiglu,
    .summarize = summarize,
    .softmax = softmax,
    .cosine = cosine,
    .kv_write = dx_kv_write_heads,
    .attention = attention,
    .convolve = convolve,
    .scan = scan,
    .ssd = ssd,
};

const dx_gradient_kernels dx_gradient_kernels_scalar = {
    .transpose = transpose,
    .column_sums = column_sums,
    .square_sums = square_sums,
    .scatter_rows = scatter_rows,
    .add = add,
    .rms_norm = rms_norm_gradient,
    .swiglu = swiglu_gradient,
    .softmax = softmax_gradient,
    .cross_entropy = cross_entropy,
    .kl_divergence = kl_divergence,
    .attention = attention_gradient,
    .convolve = convolve_gradient,
    .scan = scan_gradient,
    .ssd = ssd_gradient,
    .adam = adam,
    .sgd = sgd,
};

const dx_mixed_kernels dx_mixed_kernels_scalar = {
    .product = mixed_product,
    .rows = mixed_rows,
    .columns = mixed_columns,
    .packed_rows = mixed_packed_rows,
    .packed_columns = mixed_packed_columns,
};

// Products in mixed precision: operands rounded to bf16, sums in f32 (Micikevicius et al. 2018).
//
// The promises of CDynamax.h hold here too. The order of the sums is that of the matrix instructions of x86 (AMX), which
// the other tables follow to the bit, subnormal numbers included.
#ifndef CDYNAMAX_MIXED_H
#define CDYNAMAX_MIXED_H

#include "CDynamax.h"

/// The inputs of a mixed product are padded with zeros to a multiple of this.
#define DX_MIXED_STEP 32

/// y[row, o] = (bias[o] + residual[row, o]) + sum over k of x[row, k] * weight[o, k]. (units: blocks of 16 outputs)
///
/// The even and the odd inputs of each step are a chain of fused multiply-adds each, in the order of k and from 0; even +
/// odd is added to the sum so far. All of it takes subnormal numbers as zeros and gives zeros for them.
typedef struct {
    int64_t rows, inputs, outputs;  // inputs: as padded; outputs: as stored in y, unpadded
    const uint16_t *x;              // [blocks of 16 rows][inputs / 32][16][32]
    const uint16_t *weights;        // [blocks][inputs / 2][16][2], as bf16 in dx_product
    const float *bias;              // [outputs] or NULL
    const float *residual;          // [rows, outputs] or NULL
    int64_t residual_stride;
    float *y;
    int64_t y_stride;
} dx_mixed_product;

/// Where the inputs from `k` on, up to the end of their step, of a row of x lie.
static inline int64_t dx_mixed_place(int64_t inputs, int64_t row, int64_t k) {
    return ((row / DX_LANES * (inputs / DX_MIXED_STEP) + k / DX_MIXED_STEP) * DX_LANES + row % DX_LANES) * DX_MIXED_STEP + k % DX_MIXED_STEP;
}

/// A matrix rounded to bf16 (to nearest, ties to even; NaN stays NaN) in a layout of mixed products, padded with
/// zeros:
///   by rows             y = x of a product; inputs: columns, padded (units: blocks of 16 rows)
///   by columns          the same for the transpose; inputs: rows, padded (units: blocks of 16 columns)
///   packed by rows      y = weights of a product, one output a row; inputs: columns, padded (units: blocks of 16 rows)
///   packed by columns   the same for the transpose; inputs: rows, padded (units: blocks of 16 columns)
typedef struct {
    int64_t rows, columns, inputs;
    const float *x;
    int64_t x_stride;
    uint16_t *y;
} dx_mixed_operand;

/// The kernels of mixed products of one instruction set. All entries are set.
typedef struct {
    dx_task product, rows, columns, packed_rows, packed_columns;
} dx_mixed_kernels;

/// The table that goes with dx_kernels_of(isa), or NULL where this processor lacks the instruction set.
const dx_mixed_kernels *dx_mixed_kernels_of(dx_isa isa);

#endif

// The kernels of learning: gradients of the operations in CDynamax.h, losses and optimizer steps.
//
// The promises of CDynamax.h hold here too: each output element is reduced in one fixed order, work is split over output
// elements, and all instruction sets give the same bits. Gradients are written, not added to what was there, unless a
// comment says "adds to".
//
// Sequences start at position 0 with empty states: gradients do not flow into a past that is not in the batch. Of
// dx_sequence, only `row` and `rows` are used.
#ifndef CDYNAMAX_GRADIENTS_H
#define CDYNAMAX_GRADIENTS_H

#include "CDynamax.h"

// MARK: Matrices

/// y[c, r] = x[r, c]. Fast where y and its stride are multiples of 16 numbers. (units: blocks of 16 rows of x)
typedef struct {
    int64_t rows, columns;
    const float *x;
    int64_t x_stride;
    float *y;
    int64_t y_stride;
} dx_transpose;

/// y[c] = sum over rows, in their order, of x[r, c] * scale[r, c]. (units: blocks of 16 columns)
typedef struct {
    int64_t rows, columns;
    const float *x, *scale;  // scale may be NULL for 1
    int64_t x_stride, scale_stride;
    float *y;
} dx_column_sums;

/// sums[chunk] = sum of x[i]^2 over DX_SQUARES numbers, in 16 interleaved lanes of f64, then lane 0 to 15. (units: chunks)
typedef struct {
    int64_t count;
    const float *x;
    double *sums;
} dx_square_sums;

#define DX_SQUARES 4096

/// Adds rows to a table: table[indices[r]] += x[r], in the order of r. (units: blocks of 16 columns)
typedef struct {
    int64_t rows, columns;
    const int32_t *indices;
    const float *x;
    int64_t x_stride;
    float *table;  // adds to
    int64_t table_stride;
} dx_scatter_rows;

/// y = a + factor * b. y may be a. (units: rows)
typedef struct {
    int64_t rows, columns;
    const float *a, *b;
    int64_t a_stride, b_stride;
    float factor;
    float *y;
    int64_t y_stride;
} dx_add;

/// Packs the transpose of x for product_f32: outputs are the columns of x, inputs its rows,
/// weights[block][r][lane] = x[r, 16 * block + lane], 0 past the last column. (units: blocks)
typedef struct {
    int64_t rows, columns;
    const float *x;
    int64_t x_stride;
    float *weights;
} dx_pack_transposed;

/// The same in every instruction set (pack_transposed.c).
void dx_pack_transposed_task(const void *arguments, int64_t from, int64_t to);

// MARK: Rows

/// Of dx_rms_norm: with g = gated(x), r = 1 / sqrt(mean(g^2) + epsilon) of the group, h = dy * weight:
///   dg = r * (h - g * r^2 * mean(h * g));  dx = dg * silu(gate);  dgate = dg * x * silu'(gate)
/// `scaled` receives g * r, from which the weight's gradient is column_sums(dy * scaled); it may be NULL. The means are summed
/// as in dx_rms_norm. (units: rows)
typedef struct {
    int64_t rows, width, group;
    const float *x, *gate, *weight;  // gate may be NULL
    int64_t x_stride, gate_stride;
    bool weight_repeats;
    float epsilon;
    const float *dy;
    int64_t dy_stride;
    float *dx, *dgate, *scaled;  // dgate NULL where gate is; [rows, width] without gaps
} dx_rms_norm_gradient;

/// Of dx_swiglu. (units: rows)
typedef struct {
    int64_t rows, width;
    const float *gate, *up, *dy;
    int64_t gate_stride, up_stride, dy_stride;
    float *dgate, *dup;
    int64_t dgate_stride, dup_stride;
} dx_swiglu_gradient;

/// Of dx_softmax with temperature 1, from its output: dx = y * (dy - sum(dy * y)), summed in 16 interleaved lanes. (units: rows)
typedef struct {
    int64_t rows, width;
    const float *y, *dy;
    int64_t y_stride, dy_stride;
    float *dx;
    int64_t dx_stride;
} dx_softmax_gradient;

// MARK: Losses (sums over a row are taken in 16 interleaved lanes, then lane 0 to 15)

/// loss[r] = weight[r] * (log_sum_exp(logits[r]) - logits[r, target[r]]), 0 where target[r] < 0;
/// dlogits = weight * (softmax - one_hot), 0 there. dlogits may be NULL, or logits itself. (units: rows)
typedef struct {
    int64_t rows, width;
    const float *logits;
    int64_t stride;
    const int32_t *targets;
    const float *weights;  // [rows] or NULL for 1
    float *losses;
    float *dlogits;
    int64_t dlogits_stride;
} dx_cross_entropy;

/// loss[r] = weight[r] * sum over c of p * (log p - log q), p = softmax(teacher[r]), q = softmax(logits[r]), where p is not 0;
/// dlogits = weight * (q - p). dlogits may be NULL, or logits itself. (units: rows)
typedef struct {
    int64_t rows, width;
    const float *logits, *teacher;
    int64_t stride, teacher_stride;
    const float *weights;  // [rows] or NULL for 1
    float *losses;
    float *dlogits;
    int64_t dlogits_stride;
} dx_kl_divergence;

// MARK: Attention

/// Of causal attention over the rows of each sequence (window as in dx_attention). `y` is the output of the forward
/// pass. Keys and values gather what the heads of their group give them, head by head, in the order of rows.
/// (units: sequences * kv heads; unit = sequence * kv heads + kv head)
typedef struct {
    const dx_sequence *sequences;
    int64_t count;
    int64_t heads, kv_heads, width, window;
    float scale;
    const float *queries, *keys, *values, *y, *dy;  // [rows, heads * width | kv heads * width | same | heads * width | same]
    int64_t query_stride, key_stride, value_stride, y_stride, dy_stride;
    float *dqueries, *dkeys, *dvalues;
    int64_t dquery_stride, dkey_stride, dvalue_stride;
} dx_attention_gradient;

// MARK: Recurrences

/// Of dx_convolve with silu. Weights and bias gather over all rows of all sequences, in their order.
/// (units: blocks of 16 channels)
typedef struct {
    const dx_sequence *sequences;
    int64_t count, channels, taps;
    const float *x;
    int64_t x_stride;
    const float *weights, *bias;  // [taps][channels], [channels] or NULL
    const float *dy;
    int64_t dy_stride;
    float *dx;
    int64_t dx_stride;
    float *dweights, *dbias;  // [taps][channels], [channels]; dbias NULL where bias is
} dx_convolve_gradient;

/// Of dx_scan. States are recomputed from those at the end of each chunk of 16 rows, which stand in db until their chunk's turn.
/// db and dc of a unit are sums over its channels, lane 0 to 15; da and dd are those of its sequence: the caller adds them up.
/// ddt is with respect to the raw time step, so that of the bias is its column sum.
/// (units: sequences * blocks of 16 channels)
typedef struct {
    const dx_sequence *sequences;
    int64_t count, channels, states;
    const float *x, *dt, *b, *c, *z;
    int64_t x_stride, dt_stride, b_stride, c_stride, z_stride;
    const float *a, *d, *dt_bias;  // as dx_scan
    const float *dy;
    int64_t dy_stride;
    float *dx, *ddt, *dz;  // [rows, channels] without gaps; dz NULL where z is
    float *db, *dc;        // [rows, channel blocks, states]
    float *da;             // [sequences, channel blocks, states, 16]
    float *dd;             // [sequences, channels], NULL where d is
} dx_scan_gradient;

/// Of dx_ssd, in chunks of as many rows as a head is wide, rounded up to 16: at most 1024. States and their gradients at the
/// ends of chunks stand in db and dc until their chunk's turn. db and dc of a unit are those of its head, da and dd those
/// of its sequence: the caller adds them up. A step that is clamped has no gradient. (units: sequences * heads)
typedef struct {
    const dx_sequence *sequences;
    int64_t count, heads, groups, width, states;
    const float *x, *dt, *b, *c;
    int64_t x_stride, dt_stride, b_stride, c_stride;
    const float *a, *d, *dt_bias;
    float low, high;
    const float *dy;
    int64_t dy_stride;
    float *dx, *ddt;  // [rows, heads * width], [rows, heads] without gaps
    float *db, *dc;   // [rows, heads, states]
    float *da, *dd;   // [sequences, heads]; dd NULL where d is
} dx_ssd_gradient;

// MARK: Optimizers (units: blocks of 16 numbers)

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), as torch.optim.AdamW computes it:
///   p -= rate * decay * p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
///   p -= rate / correction1 * m / (sqrt(v) / sqrt(correction2) + epsilon), correction = 1 - beta^step
/// With `vmax`, amsgrad: vmax = max(vmax, v) takes the place of v in the last line. With `coupled`, plain Adam: g += decay p
/// instead of the decay. Before anything else, g is multiplied by `gradient_scale` (clipping).
typedef struct {
    int64_t count;
    float *parameters, *m, *v, *vmax;
    const float *gradients;
    float rate, decay, beta1, beta2, epsilon, correction1, correction2, gradient_scale;
    bool coupled;
} dx_adam;

/// g = gradient_scale g + decay p;  momentum buffer u = momentum u + (1 - dampening) g (u = g at the first step);
/// p -= rate * (nesterov ? g + momentum u : u). u NULL where momentum is 0.
typedef struct {
    int64_t count;
    float *parameters, *momentum_buffer;
    const float *gradients;
    float rate, decay, momentum, dampening, gradient_scale;
    bool nesterov, first;
} dx_sgd;

// MARK: Table

/// The gradient kernels of one instruction set. All entries are set.
typedef struct {
    dx_task transpose, column_sums, square_sums, scatter_rows, add;
    dx_task rms_norm, swiglu, softmax;
    dx_task cross_entropy, kl_divergence;
    dx_task attention, convolve, scan, ssd;
    dx_task adam, sgd;
} dx_gradient_kernels;

/// The table that goes with dx_kernels_of(isa), or NULL where this processor lacks the instruction set.
const dx_gradient_kernels *dx_gradient_kernels_of(dx_isa isa);

#endif

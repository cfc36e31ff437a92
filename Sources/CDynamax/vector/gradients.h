// All gradient kernels of one instruction set, after its other kernels. The file that includes this has set GRADIENT_TABLE.

#include "transpose.h"
#include "multiply.h"
#include "dots.h"

#include "matrices.h"
#include "row_gradients.h"
#include "losses.h"
#include "attention_gradient.h"
#include "convolve_gradient.h"
#include "scan_gradient.h"
#include "ssd_gradient.h"
#include "optimizers.h"

const dx_gradient_kernels GRADIENT_TABLE = {
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

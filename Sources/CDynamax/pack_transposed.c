// Packing of a matrix by its columns, for the products of learning.
#include <string.h>

#include "CDynamaxGradients.h"

void dx_pack_transposed_task(const void *arguments, int64_t from, int64_t to) {
    const dx_pack_transposed *p = arguments;
    for (int64_t block = from; block < to; block++) {
        int64_t column = block * DX_LANES;
        int64_t count = p->columns - column < DX_LANES ? p->columns - column : DX_LANES;
        float *out = p->weights + block * p->rows * DX_LANES;
        for (int64_t row = 0; row < p->rows; row++) {
            memcpy(out + row * DX_LANES, p->x + row * p->x_stride + column, (size_t)count * sizeof(float));
            if (count < DX_LANES) memset(out + row * DX_LANES + count, 0, (size_t)(DX_LANES - count) * sizeof(float));
        }
    }
}

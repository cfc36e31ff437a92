// Conversions between f32 and the two half-width formats.
#include "kernels.h"

void dx_f16_to_f32(const uint16_t *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] = dx_float_of_f16(x[i]);
}

void dx_bf16_to_f32(const uint16_t *x, float *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] = dx_float_of_bf16(x[i]);
}

void dx_f32_to_f16(const float *x, uint16_t *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] = dx_f16_of_float(x[i]);
}

void dx_f32_to_bf16(const float *x, uint16_t *y, int64_t count) {
    for (int64_t i = 0; i < count; i++) y[i] = dx_bf16_of_float(x[i]);
}

// Kernels of images; see CDynamaxImages.h.
#include <math.h>
#include <string.h>

#include "CDynamax.h"

#define LANES ((int64_t)DX_LANES)

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/// The input pixel that an output pixel sees at a tap, or -1 outside the image.
static int64_t pixel(const dx_window *w, int64_t row, int64_t k, int64_t l) {
    int64_t column = row % w->out_width, line = row / w->out_width % w->out_height;
    int64_t y = line * w->stride - w->padding + k * w->dilation;
    int64_t x = column * w->stride - w->padding + l * w->dilation;
    if (y < 0 || y >= w->height || x < 0 || x >= w->width) return -1;
    return (row / (w->out_width * w->out_height) * w->height + y) * w->width + x;
}

void dx_patches_task(const void *arguments, int64_t from, int64_t to) {
    const dx_patches *p = arguments;
    const dx_window *w = &p->window;
    int64_t channels = w->channels / p->groups, taps = w->taps_high * w->taps_wide;
    for (int64_t unit = from; unit < to; unit++) {
        float *patch = p->y + unit * taps * w->channels;
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t source = pixel(w, p->first + unit, tap / w->taps_wide, tap % w->taps_wide);
            for (int64_t group = 0; group < p->groups; group++) {
                float *y = patch + (group * taps + tap) * channels;
                if (source < 0) memset(y, 0, (size_t)channels * sizeof(float));
                else memcpy(y, p->x + source * p->x_stride + group * channels, (size_t)channels * sizeof(float));
            }
        }
    }
}

void dx_fold_task(const void *arguments, int64_t from, int64_t to) {
    const dx_fold *p = arguments;
    const dx_window *w = &p->window;
    int64_t channels = w->channels / p->groups, taps = w->taps_high * w->taps_wide;
    int64_t low = from * LANES, high = smaller(to * LANES, w->channels);
    for (int64_t row = 0; row < p->rows; row++) {
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t target = pixel(w, p->first + row, tap / w->taps_wide, tap % w->taps_wide);
            if (target < 0) continue;
            const float *patch = p->patches + row * p->patch_stride;
            float *x = p->x + target * w->channels;
            for (int64_t start = low; start < high;) {
                int64_t group = start / channels, end = smaller(high, (group + 1) * channels);
                const float *y = patch + (group * taps + tap) * channels - group * channels;
                for (int64_t c = start; c < end; c++) x[c] = x[c] + y[c];
                start = end;
            }
        }
    }
}

void dx_max_pool_task(const void *arguments, int64_t from, int64_t to) {
    const dx_pool_window *p = arguments;
    const dx_window *w = &p->window;
    for (int64_t row = from; row < to; row++) {
        float *y = p->y + row * w->channels;
        for (int64_t c = 0; c < w->channels; c++) y[c] = -INFINITY;
        for (int64_t tap = 0; tap < w->taps_high * w->taps_wide; tap++) {
            int64_t source = pixel(w, row, tap / w->taps_wide, tap % w->taps_wide);
            if (source < 0) continue;
            const float *x = p->x + source * p->x_stride;
            for (int64_t c = 0; c < w->channels; c++) y[c] = x[c] > y[c] || x[c] != x[c] ? x[c] : y[c];
        }
    }
}

void dx_mean_pool_task(const void *arguments, int64_t from, int64_t to) {
    const dx_pool_window *p = arguments;
    const dx_window *w = &p->window;
    int64_t taps = w->taps_high * w->taps_wide;
    float share = 1 / (float)taps;
    for (int64_t row = from; row < to; row++) {
        float *y = p->y + row * w->channels;
        memset(y, 0, (size_t)w->channels * sizeof(float));
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t source = pixel(w, row, tap / w->taps_wide, tap % w->taps_wide);
            if (source < 0) continue;
            const float *x = p->x + source * p->x_stride;
            for (int64_t c = 0; c < w->channels; c++) y[c] = y[c] + x[c];
        }
        for (int64_t c = 0; c < w->channels; c++) y[c] = y[c] * share;
    }
}

void dx_max_pool_gradient_task(const void *arguments, int64_t from, int64_t to) {
    const dx_pool_window_gradient *p = arguments;
    const dx_window *w = &p->window;
    for (int64_t block = from; block < to; block++) {
        int64_t first = block * LANES, count = smaller(LANES, w->channels - first);
        for (int64_t row = 0; row < w->images * w->out_height * w->out_width; row++) {
            float largest[DX_LANES];
            int64_t places[DX_LANES];
            for (int64_t c = 0; c < LANES; c++) largest[c] = -INFINITY, places[c] = -1;
            for (int64_t tap = 0; tap < w->taps_high * w->taps_wide; tap++) {
                int64_t source = pixel(w, row, tap / w->taps_wide, tap % w->taps_wide);
                if (source < 0) continue;
                const float *x = p->x + source * p->x_stride + first;
                for (int64_t c = 0; c < count; c++) {
                    // The first one counts, even where all are minus infinity.
                    if (x[c] > largest[c] || x[c] != x[c] || places[c] < 0) largest[c] = x[c], places[c] = source;
                }
            }
            const float *dy = p->dy + row * p->dy_stride + first;
            for (int64_t c = 0; c < count; c++) {
                if (places[c] < 0) continue;
                float *x = p->dx + places[c] * w->channels + first + c;
                *x = *x + dy[c];
            }
        }
    }
}

void dx_mean_pool_gradient_task(const void *arguments, int64_t from, int64_t to) {
    const dx_pool_window_gradient *p = arguments;
    const dx_window *w = &p->window;
    int64_t low = from * LANES, high = smaller(to * LANES, w->channels), taps = w->taps_high * w->taps_wide;
    float share = 1 / (float)taps;
    for (int64_t row = 0; row < w->images * w->out_height * w->out_width; row++) {
        const float *dy = p->dy + row * p->dy_stride;
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t target = pixel(w, row, tap / w->taps_wide, tap % w->taps_wide);
            if (target < 0) continue;
            float *x = p->dx + target * w->channels;
            for (int64_t c = low; c < high; c++) x[c] = x[c] + dy[c] * share;
        }
    }
}

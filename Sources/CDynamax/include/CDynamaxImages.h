// Kernels of images, held as rows of pixels: image by image and line by line, [images * height * width, channels].
//
// They move and add numbers, which the compiler vectorises well enough: one form for all instruction sets (images.c). The
// promises of CDynamax.h hold here too.
#ifndef CDYNAMAX_IMAGES_H
#define CDYNAMAX_IMAGES_H

#include <stdint.h>

/// A window that moves over images. Output pixel (i, j) sees, at tap (k, l), input pixel (i * stride - padding + k * dilation,
/// j * stride - padding + l * dilation). Taps outside the image are left out.
typedef struct {
    int64_t images, height, width, channels;
    int64_t taps_high, taps_wide, stride, padding, dilation;
    int64_t out_height, out_width;
} dx_window;

/// y[r - first][g][k][l][c] = what output pixel r sees at tap (k, l) of channel c of group g, 0 outside the image.
/// (units: output pixels from `first` on)
typedef struct {
    dx_window window;
    int64_t groups, first;
    const float *x;
    int64_t x_stride;
    float *y;  // [rows, taps * channels] without gaps
} dx_patches;

void dx_patches_task(const void *arguments, int64_t from, int64_t to);

/// The transpose of dx_patches: adds each number of the patches of output pixels first ..< first + rows to the input pixel
/// that it was taken from, pixel by pixel and tap by tap. (units: blocks of 16 channels)
typedef struct {
    dx_window window;
    int64_t groups, first, rows;
    const float *patches;
    int64_t patch_stride;
    float *x;  // adds to; [pixels, channels] without gaps
} dx_fold;

void dx_fold_task(const void *arguments, int64_t from, int64_t to);

/// The largest number, or the mean over all taps, zeros outside the image included, of each channel. A number that is none is
/// the largest. (units: output pixels)
typedef struct {
    dx_window window;
    const float *x;
    int64_t x_stride;
    float *y;  // [output pixels, channels] without gaps
} dx_pool_window;

void dx_max_pool_task(const void *arguments, int64_t from, int64_t to);
void dx_mean_pool_task(const void *arguments, int64_t from, int64_t to);

/// Of dx_max_pool, to the first of the largest numbers, and of dx_mean_pool. (units: blocks of 16 channels)
typedef struct {
    dx_window window;
    const float *x;  // not read for means
    int64_t x_stride;
    const float *dy;
    int64_t dy_stride;
    float *dx;  // adds to; [pixels, channels] without gaps
} dx_pool_window_gradient;

void dx_max_pool_gradient_task(const void *arguments, int64_t from, int64_t to);
void dx_mean_pool_gradient_task(const void *arguments, int64_t from, int64_t to);

#endif

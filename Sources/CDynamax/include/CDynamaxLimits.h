// What a machine can do at best: the figures that kernels are held against.
#ifndef CDYNAMAX_LIMITS_H
#define CDYNAMAX_LIMITS_H

#include "CDynamax.h"

/// Bytes of a unit of reading.
#define DX_READ_UNIT (1 << 20)

/// Ways of reading, as products stream weights: in one go, or several pieces side by side, a few KiB each; with loads alone or
/// with software prefetch. Which is fastest differs from machine to machine.
#define DX_READ_WAYS 6

/// Adds up the 64-bit words of each unit, so that all of it is read. (units: DX_READ_UNIT bytes)
typedef struct {
    const void *bytes;  // aligned to 64
    uint64_t *sums;     // [units]
} dx_read;

/// Multiplies ones by ones in registers, each product into a sum, and gives the sums' total, which is the number of multiply-adds.
typedef struct {
    int64_t steps;    // at most 1 << 18, so that sums in f32 stay exact
    int64_t *counts;  // [units]
} dx_multiply_adds;

/// The best that one instruction set has.
typedef struct {
    dx_task reads[DX_READ_WAYS];
    /// Products of 8-bit integers, exact in 32 bits; of bf16 numbers summed in f32, NULL where no instruction does it; of f32 numbers.
    dx_task int8, bf16, f32;
} dx_limit_kernels;

/// The table that goes with dx_kernels_of(isa), or NULL where this processor lacks the instruction set.
const dx_limit_kernels *dx_limit_kernels_of(dx_isa isa);

#endif

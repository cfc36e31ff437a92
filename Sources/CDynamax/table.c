// The choice of an instruction set.
#include "kernels.h"

#include <stdlib.h>

const dx_kernels *dx_kernels_of(dx_isa isa) {
    switch (isa) {
    case DX_SCALAR: return &dx_kernels_scalar;
    default: return NULL;
    }
}

const dx_kernels *dx_kernels_best(void) {
    const char *forced = getenv("DYNAMAX_ISA");
    for (int isa = DX_ISA_COUNT - 1; isa >= 0; isa--) {
        const dx_kernels *kernels = dx_kernels_of((dx_isa)isa);
        if (kernels && (!forced || !*forced || strcmp(forced, kernels->name) == 0)) return kernels;
    }
    return NULL;
}

// Optimizer steps.

static void adam(const void *arguments, int64_t from, int64_t to) {
    const dx_adam *p = arguments;
    floats kept = splat(p->coupled ? 1 : 1 - p->rate * p->decay), added = splat(p->coupled ? p->decay : 0);
    floats step = splat(p->rate / p->correction1), root = splat(__builtin_elementwise_sqrt(p->correction2));
    for (int64_t i = from * DX_LANES; i < dx_min(to * DX_LANES, p->count); i += 16) {
        int64_t count = p->count - i;
        floats parameters = load_part(p->parameters + i, count);
        floats g = FMA(added, parameters, load_part(p->gradients + i, count) * splat(p->gradient_scale));
        floats m = FMA(splat(p->beta1), load_part(p->m + i, count), splat(1 - p->beta1) * g);
        floats v = FMA(splat(p->beta2), load_part(p->v + i, count), splat(1 - p->beta2) * g * g), largest = v;
        store_part(p->m + i, m, count);
        store_part(p->v + i, v, count);
        if (p->vmax) {
            floats before = load_part(p->vmax + i, count);
            largest = v > before ? v : before;
            store_part(p->vmax + i, largest, count);
        }
        floats spread = __builtin_elementwise_sqrt(largest) / root + splat(p->epsilon);
        store_part(p->parameters + i, FMA(-step, m / spread, parameters * kept), count);
    }
}

static void sgd(const void *arguments, int64_t from, int64_t to) {
    const dx_sgd *p = arguments;
    floats rate = splat(-p->rate), momentum = splat(p->momentum);
    for (int64_t i = from * DX_LANES; i < dx_min(to * DX_LANES, p->count); i += 16) {
        int64_t count = p->count - i;
        floats parameters = load_part(p->parameters + i, count);
        floats g = FMA(splat(p->decay), parameters, load_part(p->gradients + i, count) * splat(p->gradient_scale));
        floats direction = g;
        if (p->momentum_buffer) {
            floats before = load_part(p->momentum_buffer + i, count);
            floats u = p->first ? g : FMA(momentum, before, splat(1 - p->dampening) * g);
            store_part(p->momentum_buffer + i, u, count);
            direction = p->nesterov ? FMA(momentum, u, g) : u;
        }
        store_part(p->parameters + i, FMA(rate, direction, parameters), count);
    }
}

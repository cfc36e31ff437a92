// Optimizer steps: the slow obvious form.

static void adam(const void *arguments, int64_t from, int64_t to) {
    const dx_adam *p = arguments;
    float kept = p->coupled ? 1 : 1 - p->rate * p->decay, added = p->coupled ? p->decay : 0;
    float step = p->rate / p->correction1, root = __builtin_elementwise_sqrt(p->correction2);
    for (int64_t i = from * DX_LANES; i < dx_min(to * DX_LANES, p->count); i++) {
        float g = FMA(added, p->parameters[i], p->gradients[i] * p->gradient_scale);
        float m = FMA(p->beta1, p->m[i], (1 - p->beta1) * g);
        float v = FMA(p->beta2, p->v[i], (1 - p->beta2) * g * g), largest = v;
        p->m[i] = m;
        p->v[i] = v;
        if (p->vmax) {
            largest = v > p->vmax[i] ? v : p->vmax[i];
            p->vmax[i] = largest;
        }
        float spread = __builtin_elementwise_sqrt(largest) / root + p->epsilon;
        p->parameters[i] = FMA(-step, m / spread, p->parameters[i] * kept);
    }
}

static void sgd(const void *arguments, int64_t from, int64_t to) {
    const dx_sgd *p = arguments;
    for (int64_t i = from * DX_LANES; i < dx_min(to * DX_LANES, p->count); i++) {
        float g = FMA(p->decay, p->parameters[i], p->gradients[i] * p->gradient_scale), direction = g;
        if (p->momentum_buffer) {
            float u = p->first ? g : FMA(p->momentum, p->momentum_buffer[i], (1 - p->dampening) * g);
            p->momentum_buffer[i] = u;
            direction = p->nesterov ? FMA(p->momentum, u, g) : u;
        }
        p->parameters[i] = FMA(-p->rate, direction, p->parameters[i]);
    }
}

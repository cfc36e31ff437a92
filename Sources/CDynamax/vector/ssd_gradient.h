// The gradient of the Mamba-2 recurrence: the formulas and the storage of scalar/ssd_gradient.h, as products of matrices.

#include "ssd_chunks.h"
#include "ssd_pairs.h"

/// Adding zero makes -0 and 0 the same: it does not matter whether a row was passed over or given 0.
static void ssd_add_zero(float *row, int64_t width) {
    for (int64_t i = 0; i < width; i += 16) store_part(row + i, load_part(row + i, width - i) + splat(0), width - i);
}

/// From du to the gradients of x and of the time step.
static void ssd_finish(const ssd_unit *u, const ssd_chunk *k, float *da) {
    const dx_ssd_gradient *p = u->p;
    float dots[DX_SSD_CHUNK];
    wide_dots(constant_of(variable_rows_from(u->dx, k->row)), rows_from(u->x, k->row), k->rows, p->width, dots);
    for (int64_t s = 0; s < k->rows; s++) {
        int64_t row = k->row + s;
        const float *dy = u->dy.at + row * u->dy.stride;
        float *dx = u->dx.at + row * u->dx.stride;
        float dstep = FMA(p->a[u->head], k->through[s], dots[s]);
        p->ddt[row * p->heads + u->head] = dstep * k->slope[s];
        *da = FMA(k->through[s], k->step[s], *da);
        for (int64_t j = 0; j < p->width; j += 16) {
            int64_t count = p->width - j;
            floats skipped = p->d ? splat(p->d[u->head]) * load_part(dy + j, count) : splat(0);
            store_part(dx + j, FMA(load_part(dx + j, count), splat(k->step[s]), skipped) + splat(0), count);
        }
        ssd_add_zero(u->db.at + row * u->db.stride, p->states);
        ssd_add_zero(u->dc.at + row * u->dc.stride, p->states);
    }
}

static float ssd_dd(const ssd_unit *u) {
    floats sums = splat(0);
    for (int64_t row = u->row; row < u->row + u->rows; row++) {
        for (int64_t j = 0; j < u->p->width; j += 16) {
            int64_t count = u->p->width - j;
            floats dy = load_part(u->dy.at + row * u->dy.stride + j, count);
            sums = FMA(dy, load_part(u->x.at + row * u->x.stride + j, count), sums);
        }
    }
    return total(sums);
}

static void ssd_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_ssd_gradient *p = arguments;
    ssd_chunk k;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / p->heads;
        int64_t head = unit % p->heads, group = head / (p->heads / p->groups);
        ssd_unit u = {
            .p = p, .head = head, .row = sequence->row, .rows = sequence->rows, .chunk = dx_ssd_chunk(p->width),
            .block = dx_ssd_block(dx_ssd_chunk(p->width)), .x = {p->x + head * p->width, p->x_stride},
            .dy = {p->dy + head * p->width, p->dy_stride}, .b = {p->b + group * p->states, p->b_stride},
            .c = {p->c + group * p->states, p->c_stride}, .dx = {p->dx + head * p->width, p->heads * p->width},
            .db = {p->db + head * p->states, p->heads * p->states}, .dc = {p->dc + head * p->states, p->heads * p->states}};
        int64_t chunks = (u.rows + u.chunk - 1) / u.chunk;
        float da = 0;
        for (int64_t index = 0; index + 1 < chunks; index++) {
            ssd_begin(&u, index, &k);
            ssd_advance(&u, &k);
        }
        for (int64_t index = chunks - 1; index >= 0; index--) {
            ssd_begin(&u, index, &k);
            ssd_return(&u, &k);
            float carried = k.is_first || k.is_last ? 0 : ssd_carried(&u, &k);
            if (!k.is_first) ssd_pass(&u, &k);
            ssd_enter(&u, &k);
            for (int64_t t = 0; t < k.rows; t++) k.through[t] = k.through[t] + carried;
            ssd_within(&u, &k);
            ssd_finish(&u, &k, &da);
        }
        p->da[unit] = da;
        if (p->d) p->dd[unit] = ssd_dd(&u);
    }
}

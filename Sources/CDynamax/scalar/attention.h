// Attention over KV blocks: the slow obvious form.

/// A query, and the positions of its sequence that it sees.
typedef struct {
    const float *x;
    int64_t begin, end;
} query;

/// Key or value number of a position as the products take it, without its scale.
static float kv_element(dx_format format, const void *elements, int64_t place) {
    switch (format) {
    case DX_F32: return ((const float *)elements)[place];
    case DX_BF16: return dx_float_of_bf16(((const uint16_t *)elements)[place]);
    default: return ((const int8_t *)elements)[place];
    }
}

static float rounded_to_bf16(float x) {
    return dx_float_of_bf16(dx_bf16_of_float(flushed(x)));
}

/// The score of a position, as an exponent of two.
static float score(const dx_attention *p, dx_kv_head from, const float *query, int64_t slot) {
    float factor = p->scale * DX_LOG2_E, sum = 0;
    if (p->format == DX_F32) {
        for (int64_t d = 0; d < p->width; d++) sum = FMA(query[d], kv_element(DX_F32, from.keys, dx_key_place(DX_F32, slot, d)), sum);
        return sum * factor;
    }
    for (int64_t k = 0; k < dx_key_width(p->format, p->width); k += DX_MIXED_STEP) {
        float x[DX_MIXED_STEP], keys[DX_MIXED_STEP];
        for (int64_t i = 0; i < DX_MIXED_STEP; i++) {
            x[i] = k + i < p->width ? rounded_to_bf16(query[k + i] * factor) : 0;
            keys[i] = kv_element(p->format, from.keys, dx_key_place(p->format, slot, k + i));
        }
        sum = mixed_step(x, keys, sum);
    }
    return p->format == DX_INT8 ? sum * from.key_scales[slot] : sum;
}

/// The sum of weights times values of a block in one column. Weights of positions outside `first ..< last` are 0.
static float weighted_value(
    const dx_attention *p, dx_kv_head from, const float *weights, int64_t first, int64_t last, int64_t column) {
    if (p->format == DX_F32) {
        float chains[2] = {0, 0};
        for (int64_t j = first; j < last; j++) {
            float value = kv_element(DX_F32, from.values, dx_value_place(DX_F32, p->width, j, column));
            chains[j % 2] = FMA(weights[j], value, chains[j % 2]);
        }
        return chains[0] + chains[1];
    }
    float sum = 0;
    for (int64_t j = 0; j < DX_BLOCK; j += DX_MIXED_STEP) {
        float values[DX_MIXED_STEP];
        for (int64_t i = 0; i < DX_MIXED_STEP; i++) {
            values[i] = kv_element(p->format, from.values, dx_value_place(p->format, p->width, j + i, column));
        }
        sum = mixed_step(weights + j, values, sum);
    }
    return sum;
}

static void attend(const dx_attention *p, const dx_sequence *sequence, int64_t kv_head, query q, float *y) {
    float maximum = -INFINITY, sums[16] = {0};
    for (int64_t d = 0; d < p->width; d++) y[d] = 0;
    for (int64_t block = q.begin / DX_BLOCK; block * DX_BLOCK < q.end; block++) {
        dx_kv_head from = dx_kv_head_of(p->format, p->width, sequence->blocks[block], kv_head);
        int64_t first = dx_max(q.begin - block * DX_BLOCK, 0), last = dx_min(q.end - block * DX_BLOCK, DX_BLOCK);
        float scores[DX_BLOCK], weights[DX_BLOCK] = {0}, raised = maximum;
        for (int64_t j = first; j < last; j++) {
            scores[j] = score(p, from, q.x, j);
            raised = scores[j] > raised ? scores[j] : raised;
        }
        float origin = raised == -INFINITY ? 0 : raised;
        float kept = raised == maximum ? 1 : power_of_two(maximum - origin);
        maximum = raised;
        for (int lane = 0; lane < 16; lane++) sums[lane] = sums[lane] * kept;
        for (int64_t j = first; j < last; j++) {
            weights[j] = power_of_two(scores[j] - origin);
            sums[j % 16] = sums[j % 16] + weights[j];
            if (p->format == DX_INT8) weights[j] = weights[j] * from.value_scales[j];
            if (p->format != DX_F32) weights[j] = rounded_to_bf16(weights[j]);
        }
        for (int64_t d = 0; d < p->width; d++) y[d] = FMA(y[d], kept, weighted_value(p, from, weights, first, last, d));
    }
    float sum = total(sums);
    for (int64_t d = 0; d < p->width; d++) y[d] = y[d] / sum;
}

static void attention(const void *arguments, int64_t from, int64_t to) {
    const dx_attention *p = arguments;
    int64_t group = p->heads / p->kv_heads;
    for (int64_t unit = from; unit < to; unit++) {
        int64_t kv_head = unit / p->tiles, tile = unit % p->tiles;
        const dx_sequence *sequence = dx_sequence_of_tile(p->sequences, p->count, tile);
        int64_t first = (tile - sequence->tile) * DX_ROW_TILE;
        for (int64_t i = first; i < dx_min(first + DX_ROW_TILE, sequence->rows); i++) {
            int64_t end = sequence->position + i + 1, begin = p->window > 0 ? dx_max(end - p->window, 0) : 0;
            for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
                int64_t row = sequence->row + i, column = head * p->width;
                query q = {p->queries + row * p->query_stride + column, begin, end};
                attend(p, sequence, kv_head, q, p->y + row * p->y_stride + column);
            }
        }
    }
}

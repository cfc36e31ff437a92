// Attention over KV blocks: the slow obvious form.

/// One query over the positions `begin ..< end` of its sequence.
static void attend(
    const dx_attention *p, const dx_sequence *sequence, int64_t kv_head, const float *query, float *y, int64_t begin,
    int64_t end) {
    int64_t width = p->width, stride = DX_VALUE_STRIDE(width);
    float maximum = -INFINITY, sums[16] = {0};
    for (int64_t d = 0; d < width; d++) y[d] = 0;
    for (int64_t block = begin / DX_BLOCK; block * DX_BLOCK < end; block++) {
        const float *keys = sequence->blocks[block] + kv_head * DX_BLOCK * (width + stride);
        const float *values = keys + width * DX_BLOCK;
        int64_t first = dx_max(begin - block * DX_BLOCK, 0), last = dx_min(end - block * DX_BLOCK, DX_BLOCK);
        float scores[DX_BLOCK], raised = maximum;
        for (int64_t j = first; j < last; j++) {
            float score = 0;
            for (int64_t d = 0; d < width; d++) score = FMA(query[d], keys[d * DX_BLOCK + j], score);
            scores[j] = score * p->scale;
            raised = scores[j] > raised ? scores[j] : raised;
        }
        float origin = raised == -INFINITY ? 0 : raised;
        float kept = exponential(maximum - origin);
        maximum = raised;
        for (int lane = 0; lane < 16; lane++) sums[lane] = sums[lane] * kept;
        for (int64_t d = 0; d < width; d++) y[d] = y[d] * kept;
        for (int64_t j = first; j < last; j++) {
            float weight = exponential(scores[j] - origin);
            sums[j % 16] = sums[j % 16] + weight;
            for (int64_t d = 0; d < width; d++) y[d] = FMA(weight, values[j * stride + d], y[d]);
        }
    }
    float sum = total(sums);
    for (int64_t d = 0; d < width; d++) y[d] = y[d] / sum;
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
                attend(
                    p, sequence, kv_head, p->queries + row * p->query_stride + column, p->y + row * p->y_stride + column,
                    begin, end);
            }
        }
    }
}

// The gradient of attention: the slow obvious form.

static float dot(const float *a, const float *b, int64_t width) {
    float sum = 0;
    for (int64_t i = 0; i < width; i++) sum = FMA(a[i], b[i], sum);
    return sum;
}

/// The same product in 16 interleaved sums.
static float wide_dot(const float *a, const float *b, int64_t width) {
    float sums[16] = {0};
    for (int64_t i = 0; i < width; i++) sums[i % 16] = FMA(a[i], b[i], sums[i % 16]);
    return total(sums);
}

/// What one query passes to the keys and values from `begin` to itself.
static void attention_gradient_of_query(
    const dx_attention_gradient *p, const dx_sequence *sequence, int64_t kv_head, int64_t head, int64_t i) {
    int64_t width = p->width, row = sequence->row + i, begin = p->window > 0 ? dx_max(i + 1 - p->window, 0) : 0;
    const float *query = p->queries + row * p->query_stride + head * width;
    const float *dy = p->dy + row * p->dy_stride + head * width;
    const float *keys = p->keys + sequence->row * p->key_stride + kv_head * width;
    const float *values = p->values + sequence->row * p->value_stride + kv_head * width;
    float *dquery = p->dqueries + row * p->dquery_stride + head * width, maximum = -INFINITY, sum = 0;
    for (int64_t j = begin; j <= i; j++) {
        float score = dot(query, keys + j * p->key_stride, width) * p->scale;
        maximum = score > maximum ? score : maximum;
    }
    for (int64_t j = begin; j <= i; j++) {
        sum = sum + exponential(dot(query, keys + j * p->key_stride, width) * p->scale - maximum);
    }
    float inverse = 1 / sum, mean = wide_dot(dy, p->y + row * p->y_stride + head * width, width);
    for (int64_t d = 0; d < width; d++) dquery[d] = 0;
    for (int64_t j = begin; j <= i; j++) {
        const float *key = keys + j * p->key_stride;
        float *dkey = p->dkeys + (sequence->row + j) * p->dkey_stride + kv_head * width;
        float *dvalue = p->dvalues + (sequence->row + j) * p->dvalue_stride + kv_head * width;
        float weight = exponential(dot(query, key, width) * p->scale - maximum) * inverse;
        float slope = weight * (dot(dy, values + j * p->value_stride, width) - mean);
        for (int64_t d = 0; d < width; d++) {
            dvalue[d] = FMA(weight, dy[d], dvalue[d]);
            dkey[d] = FMA(slope, query[d], dkey[d]);
            dquery[d] = FMA(slope, key[d], dquery[d]);
        }
    }
    for (int64_t d = 0; d < width; d++) dquery[d] = FMA(dquery[d], p->scale, 0);
}

static void attention_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_attention_gradient *p = arguments;
    int64_t group = p->heads / p->kv_heads, width = p->width;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / p->kv_heads;
        int64_t kv_head = unit % p->kv_heads;
        float *dkeys = p->dkeys + sequence->row * p->dkey_stride + kv_head * width;
        float *dvalues = p->dvalues + sequence->row * p->dvalue_stride + kv_head * width;
        for (int64_t j = 0; j < sequence->rows; j++) {
            for (int64_t d = 0; d < width; d++) dkeys[j * p->dkey_stride + d] = dvalues[j * p->dvalue_stride + d] = 0;
        }
        for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
            for (int64_t i = 0; i < sequence->rows; i++) attention_gradient_of_query(p, sequence, kv_head, head, i);
        }
        // Adding zero makes -0 and 0 the same: it does not matter whether a key was passed over or given 0.
        for (int64_t j = 0; j < sequence->rows; j++) {
            for (int64_t d = 0; d < width; d++) {
                dkeys[j * p->dkey_stride + d] = FMA(dkeys[j * p->dkey_stride + d], p->scale, 0);
                dvalues[j * p->dvalue_stride + d] = dvalues[j * p->dvalue_stride + d] + 0.0f;
            }
        }
    }
}

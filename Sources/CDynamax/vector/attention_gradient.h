// The gradient of attention. Lanes are queries: scores are held as [key][query], so that softmaxes need no sum over lanes and
// keys and values are used as they lie; only queries and dy are transposed, once. A tile takes 170 KiB of the stack.

enum {
    GRADIENT_QUERIES = 32,  // consecutive queries of one head that are taken together
    GRADIENT_KEYS = 1024,   // keys whose scores are held; where a query sees more, scores are computed again
    GRADIENT_PART = 64,     // keys that go through the products together
    GRADIENT_WIDTH = 128,   // columns of queries and dy that are held transposed
    QUERY_VECTORS = GRADIENT_QUERIES / DX_LANES,
};

/// Some columns of the rows of queries, or of dy, transposed.
typedef struct {
    const float *of;
    float at[GRADIENT_WIDTH][GRADIENT_QUERIES];
} transposed_queries;

/// Queries `first ..< first + count` of one head, and the keys and values of its sequence.
typedef struct {
    const dx_attention_gradient *p;
    constant_rows queries, dy, y, keys, values;
    variable_rows dqueries, dkeys, dvalues;
    int64_t first, count;
    floats maximum[QUERY_VECTORS], inverse[QUERY_VECTORS], mean[QUERY_VECTORS];
    _Alignas(64) float weights[GRADIENT_KEYS][GRADIENT_QUERIES];
    _Alignas(64) float slopes[GRADIENT_PART][GRADIENT_QUERIES];
    transposed_queries by_query, by_dy;
} query_tile;

/// to[j][i] = right[j] . left[i] for the queries or dy `left` and `count` keys or values.
static void dot_with_queries(
    const query_tile *q, transposed_queries *t, constant_rows left, constant_rows right, int64_t count,
    float (*to)[GRADIENT_QUERIES]) {
    for (int64_t d = 0; d < q->p->width; d += GRADIENT_WIDTH) {
        int64_t width = dx_min(q->p->width - d, GRADIENT_WIDTH);
        if (t->of != left.at + d) {
            transpose_rows(left.at + d, left.stride, q->count, width, t->at[0], GRADIENT_QUERIES, GRADIENT_QUERIES);
            t->of = left.at + d;
        }
        multiply(
            count, GRADIENT_QUERIES, width, by_rows(columns_from(right, d)),
            (constant_rows){t->at[0], GRADIENT_QUERIES}, (variable_rows){to[0], GRADIENT_QUERIES}, d == 0);
    }
}

/// Scores of keys `begin ..< end`, -infinity where a query does not see a key.
static void score(query_tile *q, int64_t begin, int64_t end) {
    dot_with_queries(q, &q->by_query, q->queries, rows_from(q->keys, begin), end - begin, q->weights);
    int32_t window = (int32_t)(q->p->window > 0 ? dx_min(q->p->window, INT32_MAX) : INT32_MAX);
    for (int64_t j = begin; j < end; j++) {
        UNROLL for (int n = 0; n < QUERY_VECTORS; n++) {
            float *at = q->weights[j - begin] + n * DX_LANES;
            ints ahead = lane_numbers() + (int32_t)(q->first + n * DX_LANES - j);
            ints sees = (ahead >= (ints)(0)) & (ahead < (ints)(window));
            store(at, sees ? load(at) * splat(q->p->scale) : splat(-INFINITY));
        }
    }
}

static void find_maximum(query_tile *q, int64_t count) {
    for (int64_t j = 0; j < count; j++) {
        UNROLL for (int n = 0; n < QUERY_VECTORS; n++) {
            floats value = load(q->weights[j] + n * DX_LANES);
            q->maximum[n] = value > q->maximum[n] ? value : q->maximum[n];
        }
    }
}

/// Turns scores into exp(score - maximum), and adds these to `sums`.
static void weigh_keys(query_tile *q, int64_t count, floats sums[QUERY_VECTORS]) {
    for (int64_t j = 0; j < count; j++) {
        UNROLL for (int n = 0; n < QUERY_VECTORS; n++) {
            float *at = q->weights[j] + n * DX_LANES;
            floats weight = exponential(load(at) - q->maximum[n]);
            store(at, weight);
            sums[n] = sums[n] + weight;
        }
    }
}

/// Passes the gradients of keys `begin ..< begin + count` on, whose weights stand in `weights`.
static void pass_gradients(query_tile *q, int64_t begin, int64_t count, float (*weights)[GRADIENT_QUERIES], bool fresh) {
    int64_t width = q->p->width;
    constant_rows by_key = {weights[0], GRADIENT_QUERIES}, slopes = {q->slopes[0], GRADIENT_QUERIES};
    dot_with_queries(q, &q->by_dy, q->dy, rows_from(q->values, begin), count, q->slopes);
    for (int64_t j = 0; j < count; j++) {
        UNROLL for (int n = 0; n < QUERY_VECTORS; n++) {
            float *at = weights[j] + n * DX_LANES, *slope = q->slopes[j] + n * DX_LANES;
            floats weight = load(at) * q->inverse[n];
            store(at, weight);
            store(slope, weight * (load(slope) - q->mean[n]));
        }
    }
    multiply(count, width, q->count, by_rows(by_key), q->dy, variable_rows_from(q->dvalues, begin), false);
    multiply(count, width, q->count, by_rows(slopes), q->queries, variable_rows_from(q->dkeys, begin), false);
    multiply(q->count, width, count, by_columns(slopes), rows_from(q->keys, begin), q->dqueries, fresh);
}

static void attention_gradient_of_tile(query_tile *q) {
    int64_t begin = q->p->window > 0 ? dx_max(q->first + 1 - q->p->window, 0) : 0, end = q->first + q->count;
    bool is_held = end - begin <= GRADIENT_KEYS;
    floats sums[QUERY_VECTORS];
    float means[GRADIENT_QUERIES] = {0};
    q->by_query.of = q->by_dy.of = NULL;
    wide_dots(q->dy, q->y, q->count, q->p->width, means);
    UNROLL for (int n = 0; n < QUERY_VECTORS; n++) {
        q->mean[n] = load(means + n * DX_LANES);
        q->maximum[n] = splat(-INFINITY);
        sums[n] = splat(0);
    }
    for (int64_t j = begin; j < end; j += GRADIENT_KEYS) {
        score(q, j, dx_min(j + GRADIENT_KEYS, end));
        find_maximum(q, dx_min(GRADIENT_KEYS, end - j));
    }
    for (int64_t j = begin; j < end; j += GRADIENT_KEYS) {
        if (!is_held) score(q, j, dx_min(j + GRADIENT_KEYS, end));
        weigh_keys(q, dx_min(GRADIENT_KEYS, end - j), sums);
    }
    UNROLL for (int n = 0; n < QUERY_VECTORS; n++) q->inverse[n] = splat(1) / sums[n];
    for (int64_t j = begin; j < end; j += GRADIENT_KEYS) {
        int64_t count = dx_min(GRADIENT_KEYS, end - j);
        if (!is_held) {
            score(q, j, j + count);
            weigh_keys(q, count, sums);
        }
        for (int64_t k = 0; k < count; k += GRADIENT_PART) {
            pass_gradients(q, j + k, dx_min(GRADIENT_PART, count - k), q->weights + k, j + k == begin);
        }
    }
}

/// y = y * factor + 0, so that -0 and 0 are the same: it does not matter whether a key was passed over or given 0.
static void finish_rows(variable_rows rows, int64_t count, int64_t width, float factor) {
    for (int64_t i = 0; i < count; i++) {
        for (int64_t d = 0; d < width; d += 16) {
            float *at = rows.at + i * rows.stride + d;
            store_part(at, FMA(load_part(at, width - d), splat(factor), splat(0)), width - d);
        }
    }
}

static void attention_gradient(const void *arguments, int64_t from, int64_t to) {
    const dx_attention_gradient *p = arguments;
    int64_t group = p->heads / p->kv_heads, width = p->width;
    query_tile q;
    q.p = p;
    for (int64_t unit = from; unit < to; unit++) {
        const dx_sequence *sequence = p->sequences + unit / p->kv_heads;
        int64_t kv_head = unit % p->kv_heads, row = sequence->row, rows = sequence->rows;
        q.keys = (constant_rows){p->keys + row * p->key_stride + kv_head * width, p->key_stride};
        q.values = (constant_rows){p->values + row * p->value_stride + kv_head * width, p->value_stride};
        q.dkeys = (variable_rows){p->dkeys + row * p->dkey_stride + kv_head * width, p->dkey_stride};
        q.dvalues = (variable_rows){p->dvalues + row * p->dvalue_stride + kv_head * width, p->dvalue_stride};
        clear_rows(q.dkeys, rows, width);
        clear_rows(q.dvalues, rows, width);
        for (int64_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
            for (q.first = 0; q.first < rows; q.first += GRADIENT_QUERIES) {
                int64_t first = row + q.first, column = head * width;
                q.count = dx_min(rows - q.first, GRADIENT_QUERIES);
                q.queries = (constant_rows){p->queries + first * p->query_stride + column, p->query_stride};
                q.dy = (constant_rows){p->dy + first * p->dy_stride + column, p->dy_stride};
                q.y = (constant_rows){p->y + first * p->y_stride + column, p->y_stride};
                q.dqueries = (variable_rows){p->dqueries + first * p->dquery_stride + column, p->dquery_stride};
                attention_gradient_of_tile(&q);
                finish_rows(q.dqueries, q.count, width, p->scale);
            }
        }
        finish_rows(q.dkeys, rows, width, p->scale);
        finish_rows(q.dvalues, rows, width, 1);
    }
}

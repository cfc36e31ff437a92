// The softmax of attention. store_bf16 has been defined.

/// The lanes of a vector of positions from `column` on that a query sees.
static inline ALWAYS ints sees(span seen, int64_t column) {
    ints position = lane_numbers() + (int32_t)column;
    return (position >= (ints)((int32_t)seen.first)) & (position < (ints)((int32_t)seen.last));
}

/// Brings the scores of a query to exponents of two, and finds the largest.
static inline ALWAYS void raise(bool whole, dx_format format, queries *q, int i, block *b, float factor) {
    floats largest = splat(q->maximum[i]);
    UNROLL for (int n = 0; n < DX_BLOCK; n += DX_LANES) {
        floats score = load(q->scores[i] + n);
        if (format == DX_F32) score = score * splat(factor);
        if (format == DX_INT8) score = score * load(b->at.key_scales + n);
        if (!whole) score = sees(q->seen[i], n) ? score : splat(-INFINITY);
        if (!whole || format == DX_INT8) store(q->scores[i] + n, score);
        largest = score > largest ? score : largest;
    }
    q->raised[i] = largest_lane(largest);
}

/// Turns the scores of a query into weights.
static inline ALWAYS void weigh_query(bool whole, dx_format format, queries *q, int i, block *b, float factor) {
    floats sums = q->sums[i] * splat(q->kept[i]), origin = splat(q->origin[i]);
    ahead next = part_of_next(b, SOFTMAX_STEPS);
    UNROLL for (int n = 0; n < DX_BLOCK; n += DX_LANES) {
        floats score = load(q->scores[i] + n);
        if (whole && format == DX_F32) score = score * splat(factor);
        floats weight = power_of_two(score - origin);
        ask_for(next, n / DX_LANES);
        sums = sums + weight;
        if (format == DX_INT8) {
            weight = weight * load(b->at.value_scales + n);
            if (!whole) weight = sees(q->seen[i], n) ? weight : splat(0);
        }
        if (format == DX_F32) store(q->scores[i] + n, weight);
        else store_bf16(q->weights[i] + n, weight);
    }
    q->sums[i] = sums;
}

/// Turns the scores of all queries into weights against their running maxima.
static inline ALWAYS void weigh(dx_format format, queries *q, block *b, float factor) {
    for (int i = 0; i < q->count; i++) {
        q->raised[i] = q->maximum[i];
        if (is_whole(q->seen[i])) raise(true, format, q, i, b, factor);
        else if (sees_any(q, i)) raise(false, format, q, i, b, factor);
    }
    for (int i = 0; i < q->count; i += DX_LANES) {
        floats maximum = load(q->maximum + i), raised = load(q->raised + i);
        floats origin = raised == splat(-INFINITY) ? splat(0) : raised;
        store(q->origin + i, origin);
        store(q->kept + i, raised == maximum ? splat(1) : power_of_two(maximum - origin));
        store(q->maximum + i, raised);
    }
    for (int i = 0; i < q->count; i++) {
        if (is_whole(q->seen[i])) weigh_query(true, format, q, i, b, factor);
        else if (sees_any(q, i)) weigh_query(false, format, q, i, b, factor);
        else if (format != DX_F32) memset(q->weights[i], 0, sizeof q->weights[i]);
    }
}

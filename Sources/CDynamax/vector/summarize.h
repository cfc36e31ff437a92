// Summaries of rows of logits.

/// The two largest logits of each lane, and where the first of the largest is.
typedef struct {
    floats largest, second;
    ints index;
} lane_leaders;

static inline ALWAYS lane_leaders leaders_of(const float *x, int64_t width) {
    lane_leaders leaders = {splat(-INFINITY), splat(-INFINITY), 0};
    ints index = lane_numbers();
    for (int64_t i = 0; i < width; i += 16, index += 16) {
        floats value = load_scores(x + i, width - i);
        ints leads = value > leaders.largest;
        floats next = value > leaders.second ? value : leaders.second;
        leaders.second = leads ? leaders.largest : next;
        leaders.index = leads ? index : leaders.index;
        leaders.largest = leads ? value : leaders.largest;
    }
    return leaders;
}

static inline ALWAYS int first_leader(const lane_leaders *leaders) {
    int best = 0;
    for (int lane = 1; lane < 16; lane++) {
        float value = leaders->largest[lane], other = leaders->largest[best];
        if (value > other || (value == other && leaders->index[lane] < leaders->index[best])) best = lane;
    }
    return best;
}

static void summarize(const void *arguments, int64_t from, int64_t to) {
    const dx_summarize *p = arguments;
    for (int64_t row = from; row < to; row++) {
        const float *x = p->logits + row * p->stride;
        lane_leaders leaders = leaders_of(x, p->width);
        int best = first_leader(&leaders);
        floats rivals = leaders.largest;
        rivals[best] = leaders.second[best];
        float rival = largest_lane(rivals), own = largest_lane(leaders.second);
        floats maximum = splat(leaders.largest[best]), sums = splat(0), products = splat(0);
        for (int64_t i = 0; i < p->width; i += 16) {
            floats value = load_part(x + i, p->width - i);
            floats below = value == maximum ? splat(0) : value - maximum;
            below = below < splat(DX_LOWEST_LOGIT) ? splat(DX_LOWEST_LOGIT) : below;
            floats weight = exponential(below);
            if (p->width - i < 16) weight = lanes_below(p->width - i) ? weight : splat(0);
            sums = sums + weight;
            floats next = FMA(weight, below, products);
            products = lanes_below(dx_min(p->width - i, 16)) ? next : products;
        }
        float second = rival > own ? rival : own;
        p->summaries[row] = dx_summary(leaders.index[best], maximum[0], second, total(sums), total(products));
    }
}

// Mixed products of many rows. The rows of a panel stay in the second cache, and all weights pass by them (Goto and van de Geijn 2008,
// "Anatomy of High-Performance Matrix Multiplication", section 4). Sums that the inputs of one part do not complete wait in y.
//
// While the matrix unit is at work on a corner of the result, the one before it is written to y and the sums of the next are read, some
// rows at each step: y lies outside of the caches, and tiles that go there directly hold up those that follow.

enum {
    PART_INPUTS = 2048,          // inputs of a part, at most, and
    PANEL_NUMBERS = 512 * 1024,  // numbers of x that a panel holds of them: half of a second cache of 2 MiB
    CORNER_WIDTH = CORNER_BLOCKS * DX_LANES,
};

/// A corner of the result.
typedef struct {
    int64_t row, rows;      // rows: as many as exist, at most CORNER_ROWS
    int64_t block, blocks;  // blocks: 1 or 2
} corner;

/// A corner on its way to y or from there.
typedef struct {
    corner of;
    int64_t moved;  // rows that are there
    _Alignas(64) float sums[CORNER_ROWS * CORNER_WIDTH];
} moving;

/// The rows `top ..< bottom` with blocks of outputs `from ..< to` and inputs `start ..< stop`.
typedef struct {
    const dx_mixed_product *p;
    int64_t top, bottom, from, to, start, stop;
    int64_t pace;   // rows that move at each step
    bool ends;      // the sums are complete
    bool passes;    // and go past the caches to memory
    moving leaving, coming;
    fetch weights;  // of the pair of blocks after this one
} part;

static inline ALWAYS corner corner_at(const part *part, int64_t row, int64_t block) {
    return (corner){row, dx_min(CORNER_ROWS, part->bottom - row), block, dx_min(CORNER_BLOCKS, part->to - block)};
}

/// The corner that is computed after this one. Beyond the last one lies a corner without blocks.
static inline ALWAYS corner corner_after(const part *part, const corner *c) {
    int64_t row = c->row + CORNER_ROWS;
    return row < part->bottom ? corner_at(part, row, c->block) : corner_at(part, part->top, c->block + CORNER_BLOCKS);
}

/// Writes the next rows of the corner that leaves. The last part adds what is added to complete sums.
static inline ALWAYS void leave(part *part, int64_t rows) {
    const dx_mixed_product *p = part->p;
    moving *m = &part->leaving;
    for (int64_t end = dx_min(m->moved + rows, m->of.rows); m->moved < end; m->moved++) {
        int64_t row = m->of.row + m->moved;
        for (int64_t n = 0; n < m->of.blocks; n++) {
            int64_t o = (m->of.block + n) * DX_LANES, count = p->outputs - o;
            float *y = p->y + row * p->y_stride + o;
            floats sum = load(m->sums + m->moved * CORNER_WIDTH + n * DX_LANES);
            if (part->ends && p->bias) sum = sum + load_part(p->bias + o, count);
            if (part->ends && p->residual) sum = sum + load_part(p->residual + row * p->residual_stride + o, count);
            store_result(part->passes, y, sum, count);
        }
    }
}

/// Asks for the lines of y that corner `c` will be written to, as many rows as leave meanwhile.
static inline ALWAYS void fetch_place(const part *part, const corner *c) {
    const dx_mixed_product *p = part->p;
    int64_t first = part->leaving.moved, end = dx_min(first + part->pace, c->rows);
    for (int64_t row = c->row + first; row < c->row + end; row++) {
        const float *y = p->y + row * p->y_stride + c->block * DX_LANES;
        __builtin_prefetch(y, 1, 3);
        __builtin_prefetch(y + DX_LANES, 1, 3);
    }
}

/// Reads the next rows of the corner that comes.
static inline ALWAYS void come(part *part, int64_t rows) {
    const dx_mixed_product *p = part->p;
    moving *m = &part->coming;
    for (int64_t end = dx_min(m->moved + rows, m->of.rows); m->moved < end; m->moved++) {
        const float *y = p->y + (m->of.row + m->moved) * p->y_stride;
        for (int64_t n = 0; n < m->of.blocks; n++) {
            int64_t o = (m->of.block + n) * DX_LANES;
            store(m->sums + m->moved * CORNER_WIDTH + n * DX_LANES, load_part(y + o, p->outputs - o));
        }
    }
}

/// What is done beside a step of corner `c`.
static inline ALWAYS void move(part *part, const corner *c) {
    if (!part->passes) fetch_place(part, c);
    leave(part, part->pace);
    if (part->start > 0) come(part, part->pace);
    fetch_share(false, &part->weights);
}

/// Puts the sums of a corner into the tiles, or zeros.
static inline ALWAYS void begin_corner(bool lower, bool second, part *part) {
    if (part->start == 0) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        return;
    }
    come(part, CORNER_ROWS);
    const float *sums = part->coming.sums, *below = sums + DX_LANES * CORNER_WIDTH;
    _tile_loadd(0, sums, CORNER_WIDTH * 4);
    if (second) _tile_loadd(1, sums + DX_LANES, CORNER_WIDTH * 4);
    if (lower) _tile_loadd(2, below, CORNER_WIDTH * 4);
    if (lower && second) _tile_loadd(3, below + DX_LANES, CORNER_WIDTH * 4);
}

/// Lets the sums in the tiles leave.
static inline ALWAYS void end_corner(bool lower, bool second, part *part, const corner *c) {
    leave(part, CORNER_ROWS);
    float *sums = part->leaving.sums, *below = sums + DX_LANES * CORNER_WIDTH;
    _tile_stored(0, sums, CORNER_WIDTH * 4);
    if (second) _tile_stored(1, sums + DX_LANES, CORNER_WIDTH * 4);
    if (lower) _tile_stored(2, below, CORNER_WIDTH * 4);
    if (lower && second) _tile_stored(3, below + DX_LANES, CORNER_WIDTH * 4);
    part->leaving.of = *c;
    part->leaving.moved = 0;
}

static inline ALWAYS void sum_corner(bool lower, bool second, part *part, const corner *c) {
    const dx_mixed_product *p = part->p;
    int64_t apart = p->inputs * DX_LANES;
    const uint16_t *x = p->x + c->row * p->inputs, *weights = p->weights + c->block * apart;
    begin_corner(lower, second, part);
    part->coming.of = corner_after(part, c);
    part->coming.moved = 0;
    for (int64_t k = part->start * DX_LANES; k < part->stop * DX_LANES; k += DX_MIXED_STEP * DX_LANES) {
        _tile_loadd(4, x + k, 64);
        _tile_loadd(6, weights + k, 64);
        _tile_dpbf16ps(0, 4, 6);
        if (second) {
            _tile_loadd(7, weights + apart + k, 64);
            _tile_dpbf16ps(1, 4, 7);
        }
        if (lower) {
            _tile_loadd(5, x + apart + k, 64);
            _tile_dpbf16ps(2, 5, 6);
        }
        if (lower && second) _tile_dpbf16ps(3, 5, 7);
        move(part, c);
    }
    end_corner(lower, second, part, c);
}

/// Starts to ask for the weights of the pair of blocks after this one.
static inline ALWAYS void begin_fetch(part *part, int64_t block) {
    const dx_mixed_product *p = part->p;
    int64_t steps = (part->stop - part->start) / DX_MIXED_STEP, lines = (part->stop - part->start) / 2;
    int64_t blocks = dx_max(dx_min(CORNER_BLOCKS, part->to - block), 0), corners = (part->bottom - part->top + CORNER_ROWS - 1) / CORNER_ROWS;
    part->weights = (fetch){
        .start = (const uint8_t *)(p->weights + (block * p->inputs + part->start) * DX_LANES), .apart = p->inputs * DX_LANES * 2,
        .lines = lines, .rows = blocks, .share = lines * blocks / (steps * corners) + 1};
}

static void sum_part(part *part) {
    const dx_mixed_product *p = part->p;
    int64_t steps = (part->stop - part->start) / DX_MIXED_STEP;
    part->ends = part->stop == p->inputs;
    part->passes = part->ends && passes_caches(p->y, p->y_stride, p->rows, p->outputs);
    part->pace = (CORNER_ROWS + steps - 1) / steps;
    part->leaving.of = (corner){0};
    part->leaving.moved = part->coming.moved = 0;
    part->coming.of = corner_at(part, part->top, part->from);
    for (int64_t block = part->from; block < part->to; block += CORNER_BLOCKS) {
        begin_fetch(part, block + CORNER_BLOCKS);
        for (int64_t row = part->top; row < part->bottom; row += CORNER_ROWS) {
            corner c = corner_at(part, row, block);
            bool lower = c.rows > DX_LANES, second = c.blocks > 1;
            if (lower && second) sum_corner(true, true, part, &c);
            else if (lower) sum_corner(true, false, part, &c);
            else if (second) sum_corner(false, true, part, &c);
            else sum_corner(false, false, part, &c);
        }
    }
    leave(part, CORNER_ROWS);
}

/// `count` in as few pieces as go into `most` each, all but the last of one size, a multiple of `step`.
static inline ALWAYS int64_t piece(int64_t count, int64_t most, int64_t step) {
    int64_t pieces = (count + most - 1) / most;
    return ((count + pieces - 1) / pieces + step - 1) / step * step;
}

static void sum_many(const dx_mixed_product *p, int64_t from, int64_t to) {
    shape_tiles(CORNER_ROWS, 64);
    int64_t inputs = piece(p->inputs, PART_INPUTS, DX_MIXED_STEP), rows = piece(p->rows, PANEL_NUMBERS / inputs, CORNER_ROWS);
    part part = {.p = p, .from = from, .to = to};
    for (part.top = 0; part.top < p->rows; part.top += rows) {
        part.bottom = dx_min(part.top + rows, p->rows);
        for (part.start = 0; part.start < p->inputs; part.start += inputs) {
            part.stop = dx_min(part.start + inputs, p->inputs);
            sum_part(&part);
        }
    }
    end_result();
}

// Products of 8- and 4-bit weights with the matrix instructions of x86 (AMX): one multiplies 16 rows of 64 inputs by 16 outputs.
//
// Whole numbers add up to the same in any order, and the groups are added as everywhere: the bits are those of the vector tables.
#include "kernels.h"

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#pragma clang fp contract(off)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,f16c,amx-tile,amx-int8"))), apply_to = function)

#include "vector/types.h"

#include "vector/avx512.h"
#include "vector/lanes.h"
#include "vector/amx_tiles.h"
#include "vector/fetch.h"
#include "vector/large_result.h"

#undef PANEL_ROWS
enum {
    PANEL_ROWS = 512,    // rows that pass while a part of the weights is held: what they need of x fits the second cache
    PART_INPUTS = 2048,  // inputs and
    PART_BLOCKS = 4,     // blocks of outputs of a part
    PART_WIDTH = PART_BLOCKS * DX_LANES,
    BAND_ROWS = 64,      // rows whose sums stay in the first cache, with what a group needs of x and of the weights
    SMALLEST_GROUP = 16,
    TILE = DX_LANES * DX_LANES,
    QUARTERS = 4,        // tiles of a corner: bit 0 says the second block, bit 1 the lower rows
};

/// One group of a corner of the result: what is needed to add it to the sums.
typedef struct {
    const float *scales;    // of the first block; those of the second follow
    const float *x_scales;  // of the rows
    float *sums;            // of the first row, PART_WIDTH from one to the next
    _Alignas(64) int32_t exact[QUARTERS * TILE];  // [QUARTERS][16][16]
} corner;

/// A part of the weights, and the rows that pass.
typedef struct {
    const dx_product *p;
    int64_t top, rows;      // of the panel
    int64_t block, blocks;  // of outputs
    int64_t group, groups;  // the first group, and how many
    int64_t step;           // inputs that a tile takes: x is tiled
    int8_t *weights;        // [groups][PART_BLOCKS][group / 4][16][4]
    float *scales;          // [groups][PART_BLOCKS][16]
    float *sums;            // [PANEL_ROWS][PART_WIDTH]
    corner corners[2];      // while the matrix unit is at work on one, the one before it is added
    int64_t count;          // corners of the band that have been multiplied
    fetch next;             // the weights of the part after this one
    bool passes;            // results go past the caches
    fetch results, residuals;  // what the end of a band writes and reads
} part;

/// Adds some rows of a quarter.
static inline ALWAYS void add_rows(int rows, const int32_t *exact, floats scale, const float *x_scales, float *sums) {
    UNROLL for (int m = 0; m < rows; m++) {
        floats value = __builtin_convertvector(load_ints(exact + m * DX_LANES), floats);
        store(sums + m * PART_WIDTH, FMA(value, scale * splat(x_scales[m]), load(sums + m * PART_WIDTH)));
    }
}

static inline ALWAYS void add_quarter(const corner *c, int64_t rows, int quarter) {
    int64_t row = quarter / 2 * DX_LANES, block = quarter % 2 * DX_LANES;
    const int32_t *exact = c->exact + quarter * TILE;
    floats scale = load(c->scales + block);
    float *sums = c->sums + row * PART_WIDTH + block;
    if (rows - row >= DX_LANES) return add_rows(DX_LANES, exact, scale, c->x_scales + row, sums);
    for (int64_t m = 0; m < rows - row; m++) {
        add_rows(1, exact + m * DX_LANES, scale, c->x_scales + row + m, sums + m * PART_WIDTH);
    }
}

/// What a corner is made of, known when it is compiled: tiles along a group, or 0 for any number; lower rows; a second block.
typedef struct {
    int tiles;
    bool lower, second;
} form;

/// The quarters that are added at moment `now` of `moments`.
static inline ALWAYS void add_some(form form, const corner *c, int64_t rows, int64_t now, int64_t moments) {
    UNROLL for (int quarter = 0; quarter < QUARTERS; quarter++) {
        bool exists = (form.lower || quarter < 2) && (form.second || quarter % 2 == 0);
        if (exists && quarter * moments / QUARTERS == now) add_quarter(c, rows, quarter);
    }
}

/// Where the tiles of a corner come from.
typedef struct {
    const int8_t *x, *weights;
    int64_t step, next;  // bytes of x that a tile takes of a row; from the upper to the lower rows, and from one block to the next
} source;

/// Multiplies the tiles at place `i` of `tiles` along a group.
static inline ALWAYS void multiply_tiles(form form, const source *from, int64_t i, int64_t tiles, const corner *before, int64_t rows) {
    int64_t k = i * from->step * DX_LANES;
    _tile_loadd(4, from->x + k, from->step);
    _tile_loadd(6, from->weights + k, 64);
    if (form.lower) _tile_loadd(5, from->x + from->next + k, from->step);
    if (form.second) _tile_loadd(7, from->weights + from->next + k, 64);
    if (before) add_some(form, before, rows, 2 * i, 2 * tiles);
    _tile_dpbssd(0, 4, 6);
    if (form.second) _tile_dpbssd(1, 4, 7);
    if (form.lower) _tile_dpbssd(2, 5, 6);
    if (form.lower && form.second) _tile_dpbssd(3, 5, 7);
    if (before) add_some(form, before, rows, 2 * i + 1, 2 * tiles);
}

/// The exact sums of a corner. While the matrix unit is at work, the corner before it is added, bit by bit: the two kinds of
/// instructions go on side by side only where they alternate closely.
static inline ALWAYS void multiply_group(
    form form, const source *from, int64_t tiles, corner *now, const corner *before, int64_t rows) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (form.tiles > 0) {
        UNROLL for (int i = 0; i < form.tiles; i++) multiply_tiles(form, from, i, form.tiles, before, rows);
    } else {
        for (int64_t i = 0; i < tiles; i++) multiply_tiles(form, from, i, tiles, before, rows);
    }
    _tile_stored(0, now->exact, 64);
    if (form.second) _tile_stored(1, now->exact + TILE, 64);
    if (form.lower) _tile_stored(2, now->exact + 2 * TILE, 64);
    if (form.lower && form.second) _tile_stored(3, now->exact + 3 * TILE, 64);
}

static inline ALWAYS void multiply_corner(form form, part *part, int64_t row, int64_t rows, int64_t block, int64_t group) {
    const dx_product *p = part->p;
    corner *now = &part->corners[part->count % 2], *before = &part->corners[(part->count + 1) % 2];
    int64_t n = block - part->block, rows_held = dx_tiled_rows(p->rows), place = (group - part->group) * PART_BLOCKS + n;
    now->scales = part->scales + place * DX_LANES;
    now->x_scales = p->x_scales + group * rows_held + row;
    now->sums = part->sums + (row - part->top) * PART_WIDTH + n * DX_LANES;
    source from = {
        .x = p->quantized + (group * rows_held + row) * p->group, .weights = part->weights + place * p->group * DX_LANES,
        .step = part->step, .next = DX_LANES * p->group};
    if (part->count > 0) multiply_group(form, &from, p->group / part->step, now, before, rows);
    else multiply_group(form, &from, p->group / part->step, now, NULL, rows);
    fetch_share(false, &part->next);
    fetch_share(true, &part->results);
    fetch_share(false, &part->residuals);
    part->count++;
}

/// Rows `row ..< end` with blocks `block ..< last`, in corners of `rows` rows and one block or two.
static inline ALWAYS void multiply_corners(
    form form, part *part, int64_t row, int64_t end, int64_t rows, int64_t block, int64_t last) {
    part->count = 0;
    for (int64_t group = part->group; group < part->group + part->groups; group++) {
        for (int64_t left = block; left < last; left += CORNER_BLOCKS) {
            for (int64_t top = row; top < end; top += rows) multiply_corner(form, part, top, rows, left, group);
        }
    }
    add_some(form, &part->corners[(part->count + 1) % 2], rows, 0, 1);
}

/// Writes packed weights as signed bytes, line by line: 16 outputs of 4 inputs.
static inline ALWAYS void spread(bool is_int8, const uint8_t *packed, int64_t lines, int8_t *weights) {
    for (int64_t i = 0; i < lines; i++) {
        uints line = (uints)load_ints(packed + i * 64);
        if (is_int8) {
            line ^= 0x80808080;
            __builtin_memcpy(weights + i * 64, &line, sizeof line);
        } else {
            // Adding 0x78 to a number of 0 ... 15 and flipping the highest bit takes 8 away.
            uints low = ((line & 0x0f0f0f0f) + 0x78787878) ^ 0x80808080, high = ((line >> 4 & 0x0f0f0f0f) + 0x78787878) ^ 0x80808080;
            __builtin_memcpy(weights + i * 128, &low, sizeof low);
            __builtin_memcpy(weights + i * 128 + 64, &high, sizeof high);
        }
    }
}

/// Writes rows whose sums are complete.
static inline ALWAYS void finish(const part *part, int64_t row, int64_t end) {
    const dx_product *p = part->p;
    for (; row < end; row++) {
        for (int64_t n = 0; n < part->blocks; n++) {
            int64_t o = (part->block + n) * DX_LANES, count = p->outputs - o;
            floats sum = load(part->sums + (row - part->top) * PART_WIDTH + n * DX_LANES);
            if (p->bias) sum = sum + load_part(p->bias + o, count);
            if (p->residual) sum = sum + load_part(p->residual + row * p->residual_stride + o, count);
            store_result(part->passes, p->y + row * p->y_stride + o, sum, count);
        }
    }
}

static void begin_sums(const part *part, int64_t row, int64_t end) {
    for (; row < end; row++) {
        for (int64_t i = 0; i < PART_WIDTH; i += DX_LANES) store(part->sums + (row - part->top) * PART_WIDTH + i, splat(0));
    }
}

/// Starts to ask for what the end of a band writes and reads.
static inline ALWAYS void begin_end(part *part, int64_t row, int64_t end, int64_t rows) {
    const dx_product *p = part->p;
    int64_t column = part->block * DX_LANES, corners = (end - row) / rows * ((part->blocks + 1) / CORNER_BLOCKS) * part->groups;
    fetch lines = {.lines = part->blocks, .rows = end - row, .share = (end - row) * part->blocks / corners + 1};
    part->results = part->residuals = lines;
    part->results.start = (const uint8_t *)(p->y + row * p->y_stride + column);
    part->results.apart = p->y_stride * 4;
    part->residuals.start = (const uint8_t *)(p->residual + row * p->residual_stride + column);
    part->residuals.apart = p->residual_stride * 4;
    if (!p->residual) part->residuals.rows = 0;
    if (part->passes) part->results.rows = 0;
}

/// Rows `row ..< end` with all of the part, in corners of `rows` rows.
static inline ALWAYS void multiply_band(bool lower, part *part, int64_t row, int64_t end, int64_t rows) {
    const dx_product *p = part->p;
    int64_t last = part->block + part->blocks, odd = last - part->blocks % CORNER_BLOCKS;
    bool ends = (part->group + part->groups) * p->group == p->inputs;
    if (part->group == 0) begin_sums(part, row, end);
    if (ends) begin_end(part, row, end, rows);
    if (part->block < odd && lower && p->group == 4 * part->step) {
        multiply_corners((form){4, lower, true}, part, row, end, rows, part->block, odd);
    } else if (part->block < odd && lower && p->group == 2 * part->step) {
        multiply_corners((form){2, lower, true}, part, row, end, rows, part->block, odd);
    } else if (part->block < odd) {
        multiply_corners((form){0, lower, true}, part, row, end, rows, part->block, odd);
    }
    if (odd < last) multiply_corners((form){0, lower, false}, part, row, end, rows, odd, last);
    if (ends) finish(part, row, end);
}

/// All rows of the panel: those that fill corners, then the rest.
static void multiply_part(part *part) {
    int64_t rest = part->rows % CORNER_ROWS, row = part->top, end = row + part->rows;
    if (row < end - rest) shape_tiles(CORNER_ROWS, part->step);
    for (; row < end - rest; row += BAND_ROWS) multiply_band(true, part, row, dx_min(row + BAND_ROWS, end - rest), CORNER_ROWS);
    if (rest == 0) return;
    shape_tiles(rest, part->step);
    if (rest > DX_LANES) multiply_band(true, part, end - rest, end, rest);
    else multiply_band(false, part, end - rest, end, rest);
}

/// Bytes of 16 weights of each of `inputs` inputs.
static inline ALWAYS int64_t packed_bytes(bool is_int8, int64_t inputs) {
    return inputs * (is_int8 ? 16 : 8);
}

static inline ALWAYS void spread_part(bool is_int8, part *part) {
    const dx_product *p = part->p;
    int64_t groups = p->inputs / p->group, bytes = packed_bytes(is_int8, p->group);
    for (int64_t n = 0; n < part->blocks; n++) {
        int64_t first = (part->block + n) * groups + part->group;
        const uint8_t *packed = (const uint8_t *)p->weights + first * bytes;
        for (int64_t g = 0; g < part->groups; g++) {
            int64_t place = g * PART_BLOCKS + n;
            spread(is_int8, packed + g * bytes, bytes / 64, part->weights + place * p->group * DX_LANES);
            store(part->scales + place * DX_LANES, load(p->scales + (first + g) * DX_LANES));
        }
    }
}

/// Starts to ask for the part after this one. `end` is the last block that this thread will come to.
static inline ALWAYS void begin_fetch(bool is_int8, part *part, int64_t most, int64_t end) {
    const dx_product *p = part->p;
    int64_t all = p->inputs / p->group, group = part->group + part->groups, block = part->block, blocks = part->blocks;
    if (group == all) {
        group = 0;
        block += blocks;
        blocks = dx_min(PART_BLOCKS, end - block);
    }
    int64_t lines = packed_bytes(is_int8, dx_min(most, all - group) * p->group) / 64;
    int64_t steps = (part->rows + CORNER_ROWS - 1) / CORNER_ROWS * part->groups * ((part->blocks + 1) / CORNER_BLOCKS);
    part->next = (fetch){
        .start = (const uint8_t *)p->weights + packed_bytes(is_int8, block * p->inputs + group * p->group),
        .apart = packed_bytes(is_int8, p->inputs), .lines = lines, .rows = blocks, .share = lines * blocks / steps + 1};
}

static inline ALWAYS void product(bool is_int8, const dx_product *p, int64_t from, int64_t to) {
    _Alignas(64) int8_t weights[PART_INPUTS * PART_WIDTH];
    _Alignas(64) float sums[PANEL_ROWS * PART_WIDTH];
    _Alignas(64) float scales[PART_INPUTS / SMALLEST_GROUP * PART_WIDTH];
    int64_t all = p->inputs / p->group, most = PART_INPUTS / p->group;
    part part;
    part.p = p;
    part.step = dx_tile_inputs(p->group);
    part.weights = weights;
    part.sums = sums;
    part.scales = scales;
    part.passes = passes_caches(p->y, p->y_stride, p->rows, p->outputs);
    part.results = part.residuals = (fetch){0};  // nothing, until a part ends sums
    for (part.top = 0; part.top < p->rows; part.top += PANEL_ROWS) {
        part.rows = dx_min(PANEL_ROWS, p->rows - part.top);
        for (part.block = from; part.block < to; part.block += PART_BLOCKS) {
            part.blocks = dx_min(PART_BLOCKS, to - part.block);
            for (part.group = 0; part.group < all; part.group += part.groups) {
                part.groups = dx_min(most, all - part.group);
                spread_part(is_int8, &part);
                begin_fetch(is_int8, &part, most, to);
                multiply_part(&part);
            }
        }
    }
    end_result();
    _tile_release();
}

void dx_amx_product_int8(const void *arguments, int64_t from, int64_t to) {
    const dx_product *p = arguments;
    if (p->tiled) product(true, p, from, to);
    else dx_kernels_avx512vnni.product_int8(p, from, to);
}

void dx_amx_product_int4(const void *arguments, int64_t from, int64_t to) {
    const dx_product *p = arguments;
    if (p->tiled) product(false, p, from, to);
    else dx_kernels_avx512vnni.product_int4(p, from, to);
}

#pragma clang attribute pop
#endif

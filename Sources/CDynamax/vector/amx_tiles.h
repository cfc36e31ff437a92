// The tiles of the matrix instructions of x86 (AMX), as all products here use them: 0 and 1 hold the sums of the upper 16 rows with two
// blocks of outputs, 2 and 3 those of the lower ones; 4 and 5 rows of x; 6 and 7 weights.

/// Rows and blocks of outputs of a corner of the result: two by two tiles.
enum { CORNER_ROWS = 32, CORNER_BLOCKS = 2 };

/// The shapes of the tiles, as the processor reads them.
typedef struct {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shapes;

/// Shapes the tiles for up to 16 rows that take 64 bytes of x at a time, with sums in tiles 0 to 3.
static inline ALWAYS void shape_tiles_for_few(int64_t rows) {
    tile_shapes shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        shapes.rows[i] = (uint8_t)(i >= 6 ? DX_LANES : rows);
        shapes.row_bytes[i] = 64;
    }
    _tile_loadconfig(&shapes);
}

/// Shapes the tiles for corners of `rows` rows, 1 ... CORNER_ROWS, that take `bytes` of each row of x at a time, at most 64. With 16 rows
/// or fewer, the lower tiles must not be used.
static inline ALWAYS void shape_tiles(int64_t rows, int64_t bytes) {
    tile_shapes shapes = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        bool is_lower = i == 2 || i == 3 || i == 5;
        int64_t of_x = is_lower ? dx_max(rows - DX_LANES, 1) : dx_min(rows, DX_LANES);
        shapes.rows[i] = (uint8_t)(i >= 6 ? bytes / 4 : of_x);
        shapes.row_bytes[i] = (uint16_t)(i == 4 || i == 5 ? bytes : 64);
    }
    _tile_loadconfig(&shapes);
}

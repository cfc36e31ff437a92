// The rows of a register tile are constants, so that it stays in registers.

/// Calls a function whose first argument must be a constant.
#define WITH_ROWS(rows, function, ...)                \
    switch (rows) {                                   \
    case 1: function(1, __VA_ARGS__); break;          \
    case 2: function(2, __VA_ARGS__); break;          \
    case 3: function(3, __VA_ARGS__); break;          \
    case 4: function(4, __VA_ARGS__); break;          \
    case 5: function(5, __VA_ARGS__); break;          \
    default: function(TILE_ROWS, __VA_ARGS__); break; \
    }
_Static_assert(TILE_ROWS == 6, "WITH_ROWS lists the rows of a tile");

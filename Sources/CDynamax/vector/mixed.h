// Products in mixed precision of one instruction set. The file that includes this has set MIXED_TABLE, and has included
// tile.h and transpose.h.

#include "mixed_operands.h"
#include "mixed_finish.h"
#include "mixed_product.h"

const dx_mixed_kernels MIXED_TABLE = {
    .product = mixed_product,
    .rows = mixed_rows,
    .columns = mixed_columns,
    .packed_rows = mixed_packed_rows,
    .packed_columns = mixed_packed_columns,
};

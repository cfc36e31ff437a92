// Counts the allocations of a process: all of them, by whatever library and on whatever thread.
#ifndef C_ALLOCATIONS_H
#define C_ALLOCATIONS_H

#include <stdint.h>

/// Calls so far that asked for memory: malloc, calloc, realloc and the aligned ones. -1 where they cannot be counted.
int64_t allocations(void);

#endif

// Vectors of 16 lanes for the whole of the vector source. Where registers are narrower, the compiler uses several for one.

typedef float floats __attribute__((ext_vector_type(16)));
typedef double doubles __attribute__((ext_vector_type(16)));
typedef uint32_t uints __attribute__((ext_vector_type(16)));
typedef int32_t ints __attribute__((ext_vector_type(16)));
typedef int8_t bytes __attribute__((ext_vector_type(16)));
typedef int16_t shorts __attribute__((ext_vector_type(32)));
typedef uint16_t ushorts __attribute__((ext_vector_type(32)));
typedef int16_t short_pairs __attribute__((ext_vector_type(16)));
typedef uint16_t half_lanes __attribute__((ext_vector_type(16)));

#define FLOATS floats
#define UINTS uints
#define FMA __builtin_elementwise_fma
#define UNROLL _Pragma("clang loop unroll(full)")

static inline ALWAYS floats splat(float x) {
    return (floats)(x);
}

static inline ALWAYS floats load(const float *p) {
    floats v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline ALWAYS void store(float *p, floats v) {
    __builtin_memcpy(p, &v, sizeof v);
}

static inline ALWAYS ints load_ints(const void *p) {
    ints v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

// The fork-join pool.
//
// A job is cut into chunks that are taken from one 64-bit ticket: the job's number above, the chunks not yet taken below.
// A thread that takes a chunk replaces the ticket by one with a chunk less; if the ticket has changed since it was read,
// this fails, so what the thread had read of the job was of no use and does no harm. The fields of a job change only
// while its ticket has no chunks left and all chunks taken are done. Hence a worker that is slow to wake needs no notice:
// the job ends without it, and the next may start.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // sched_getaffinity
#endif
#include "CDynamax.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

enum {
    CHUNK_BITS = 16,
    CHUNKS_PER_THREAD = 8,   // enough for threads of unequal speed, few enough to cost nothing
    SPIN_NANOSECONDS = 50000,  // about what it costs to wake a sleeping thread
    PAUSES_PER_LOOK = 32,      // between two looks at the clock
    STACK_BYTES = 1 << 20,
};

struct dx_pool {
    int threads;
    pthread_t *workers;
    pthread_mutex_t callers;  // held during a job

    _Alignas(64) atomic_uint_fast64_t ticket;
    _Atomic(dx_task) task;
    _Atomic(const void *) arguments;
    atomic_int_fast64_t units, chunk, chunks;
    _Alignas(64) atomic_int_fast64_t unfinished;  // chunks not yet done

    _Alignas(64) pthread_mutex_t sleep;
    pthread_cond_t work, done;
    atomic_int sleepers;  // workers that wait for work, or are about to
    atomic_bool caller_sleeps;
    atomic_bool stop;
};

static inline void pause_thread(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static uint64_t chunks_left(uint64_t ticket) {
    return ticket & ((1u << CHUNK_BITS) - 1);
}

/// Computes chunks of the current job until none is left.
static void work(dx_pool *pool) {
    uint_fast64_t ticket = atomic_load(&pool->ticket);
    while (chunks_left(ticket) > 0) {
        dx_task task = atomic_load_explicit(&pool->task, memory_order_relaxed);
        const void *arguments = atomic_load_explicit(&pool->arguments, memory_order_relaxed);
        int64_t units = atomic_load_explicit(&pool->units, memory_order_relaxed);
        int64_t chunk = atomic_load_explicit(&pool->chunk, memory_order_relaxed);
        int64_t chunks = atomic_load_explicit(&pool->chunks, memory_order_relaxed);
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket - 1)) continue;
        int64_t from = (chunks - (int64_t)chunks_left(ticket)) * chunk;
        task(arguments, from, from + chunk < units ? from + chunk : units);
        if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->sleep);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->sleep);
        }
        ticket = atomic_load(&pool->ticket);
    }
}

/// Whether there is something to do; looks for it during SPIN_NANOSECONDS.
static bool spin(bool (*ready)(dx_pool *), dx_pool *pool) {
    int64_t end = 0;
    do {
        for (int i = 0; i < PAUSES_PER_LOOK; i++) {
            if (ready(pool)) return true;
            pause_thread();
        }
        if (end == 0) end = nanoseconds() + SPIN_NANOSECONDS;
    } while (nanoseconds() < end);
    return false;
}

static bool has_work(dx_pool *pool) {
    return chunks_left(atomic_load(&pool->ticket)) > 0 || atomic_load(&pool->stop);
}

static bool is_done(dx_pool *pool) {
    return atomic_load(&pool->unfinished) == 0;
}

static void *run_worker(void *argument) {
    dx_pool *pool = argument;
    while (!atomic_load(&pool->stop)) {
        if (!spin(has_work, pool)) {
            // Either this thread sees the work that a caller has published, or the caller sees the sleeper and wakes it.
            pthread_mutex_lock(&pool->sleep);
            atomic_fetch_add(&pool->sleepers, 1);
            while (!has_work(pool)) pthread_cond_wait(&pool->work, &pool->sleep);
            atomic_fetch_sub(&pool->sleepers, 1);
            pthread_mutex_unlock(&pool->sleep);
        }
        work(pool);
    }
    return NULL;
}

static void wake_workers(dx_pool *pool) {
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->sleep);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->sleep);
}

static void wait_until_done(dx_pool *pool) {
    if (spin(is_done, pool)) return;
    pthread_mutex_lock(&pool->sleep);
    atomic_store(&pool->caller_sleeps, true);
    while (!is_done(pool)) pthread_cond_wait(&pool->done, &pool->sleep);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->sleep);
}

void dx_pool_run(dx_pool *pool, dx_task task, const void *arguments, int64_t units, int64_t grain) {
    if (units <= 0) return;
    if (grain < 1) grain = 1;
    if (pool->threads == 1 || units <= grain) {
        task(arguments, 0, units);
        return;
    }
    int64_t grains = (units + grain - 1) / grain, wanted = (int64_t)pool->threads * CHUNKS_PER_THREAD;
    int64_t chunk = (grains + wanted - 1) / wanted * grain;
    int64_t chunks = (units + chunk - 1) / chunk;

    pthread_mutex_lock(&pool->callers);
    atomic_store_explicit(&pool->task, task, memory_order_relaxed);
    atomic_store_explicit(&pool->arguments, arguments, memory_order_relaxed);
    atomic_store_explicit(&pool->units, units, memory_order_relaxed);
    atomic_store_explicit(&pool->chunk, chunk, memory_order_relaxed);
    atomic_store_explicit(&pool->chunks, chunks, memory_order_relaxed);
    atomic_store(&pool->unfinished, chunks);
    uint64_t job = (atomic_load(&pool->ticket) >> CHUNK_BITS) + 1;
    atomic_store(&pool->ticket, job << CHUNK_BITS | (uint64_t)chunks);
    wake_workers(pool);
    work(pool);
    wait_until_done(pool);
    pthread_mutex_unlock(&pool->callers);
}

/// Stops and joins the first `started` workers, and frees everything.
static void destroy(dx_pool *pool, int started) {
    atomic_store(&pool->stop, true);
    pthread_mutex_lock(&pool->sleep);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->sleep);
    for (int i = 0; i < started; i++) pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->sleep);
    pthread_mutex_destroy(&pool->callers);
    free(pool->workers);
    free(pool);
}

dx_pool *dx_pool_create(int threads) {
    if (threads < 1 || threads >= (1 << CHUNK_BITS) / CHUNKS_PER_THREAD) return NULL;
    dx_pool *pool = aligned_alloc(_Alignof(dx_pool), sizeof(dx_pool));
    if (!pool) return NULL;
    *pool = (dx_pool){.threads = threads};
    pthread_mutex_init(&pool->callers, NULL);
    pthread_mutex_init(&pool->sleep, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    int started = 0;
    pthread_attr_t attributes;
    pool->workers = calloc((size_t)threads, sizeof(pthread_t));
    bool made = pool->workers && pthread_attr_init(&attributes) == 0;
    if (made) {
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        while (started < threads - 1
               && pthread_create(pool->workers + started, &attributes, run_worker, pool) == 0) started++;
        pthread_attr_destroy(&attributes);
    }
    if (made && started == threads - 1) return pool;
    destroy(pool, started);
    return NULL;
}

void dx_pool_destroy(dx_pool *pool) {
    if (pool) destroy(pool, pool->threads - 1);
}

int dx_pool_threads(const dx_pool *pool) {
    return pool->threads;
}

int dx_processors(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (int)count;
}

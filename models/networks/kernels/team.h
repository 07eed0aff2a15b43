/* Threads that share one piece of work after another.
 *
 * A step of the decoder is a hundred pieces of a few microseconds each: threads wait for one
 * another by looking, and let others run only when that takes long.
 */
#pragma once
#include <immintrin.h>
#include <omp.h>
#include <sched.h>
#include <stdatomic.h>

#define LOOKS 4096

typedef struct {
    _Alignas(64) atomic_int next; /* the next share of the present piece */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_int round;
} Team;

static int take(Team *team) { return atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed); }

/* All have arrived; the next piece begins. */
static void meet(Team *team, int size) {
    int round = atomic_load_explicit(&team->round, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == size) {
        atomic_store(&team->arrived, 0);
        atomic_store(&team->next, 0);
        atomic_store(&team->round, round + 1);
        return;
    }
    for (int looks = 0; atomic_load(&team->round) == round; looks++)
        if (looks < LOOKS)
            _mm_pause();
        else
            sched_yield();
}

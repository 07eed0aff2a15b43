/* The encoder, the decoder's step and the output layer of a BART, PEGASUS or T5 in int8.
 *
 * What a row gets does not depend on the rows beside it: integer sums are exact, and everything
 * else is done row by row in one order.
 */
#include "attention.h"
#include "team.h"

typedef struct {
    Linear qkv, out;
    Norm norm;
    Linear query, key_value, cross_out;
    Norm cross_norm;
    Linear up, gate, down;
    Norm feed_norm;
} Layer;

typedef struct {
    const Layer *layers;
    int64_t count, heads, width, norm_first, activation;
    Norm final_norm;
} Stack;

/* Memory that Python owns, handed out piece by piece. */
typedef struct {
    char *start;  /* NULL: only count */
    int64_t used;
} Space;

static void *claim(Space *space, int64_t bytes) {
    const int64_t at = space->used;
    space->used += (bytes + 127) / 64 * 64;
    return space->start ? space->start + at : NULL;
}

static Rows claim_rows(Space *space, int64_t rows, int64_t inputs) {
    int8_t *bytes = claim(space, rows * inputs);
    float *scales = claim(space, rows * 4);
    return (Rows){bytes, scales, claim(space, rows * 4)};
}

INLINE int64_t padded(int64_t count) { return (count + PANEL - 1) / PANEL * PANEL; }

/* The norm that stays in the hidden state after a sublayer, and the one its successor reads by. */
INLINE const Norm *kept(const Stack *stack, const Norm *own) { return stack->norm_first ? NULL : own; }
INLINE const Norm *next_read(const Stack *stack, const Norm *next) {
    return stack->norm_first ? next : NULL;
}
INLINE const Norm *last_kept(const Stack *stack, int64_t layer, const Norm *own) {
    if (!stack->norm_first) return own;
    return layer + 1 == stack->count ? &stack->final_norm : NULL;
}

/* ---- Encoder ---- */

#define BLOCK 48 /* rows that pass a feed-forward layer together: what they hold stays in L2 */

/* What all threads share ... */
typedef struct {
    uint16_t *qkv; /* (tokens, 3 * inner) */
    float *mixed;  /* (tokens, inner) */
    Rows read;     /* (tokens, width) */
} EncoderPieces;

/* ... and what each has for itself. */
typedef struct {
    EncoderSpace attention;
    float *spare, *products, *gates, *change;
    Rows rows;
} EncoderOwn;

static EncoderPieces encoder_pieces(Space *space, const Stack *stack, int64_t tokens) {
    const int64_t inner = stack->heads * HEAD;
    EncoderPieces pieces;
    pieces.qkv = claim(space, tokens * 3 * inner * 2);
    pieces.mixed = claim(space, tokens * inner * 4);
    pieces.read = claim_rows(space, tokens, padded(stack->width));
    return pieces;
}

static EncoderOwn encoder_own(Space *space, const Stack *stack, int64_t longest) {
    const int64_t inner = stack->heads * HEAD, wide = padded(stack->width), places = padded(longest);
    const int64_t feed = stack->layers[0].up.outputs;
    EncoderOwn own;
    own.attention.keys = claim(space, places * HEAD * 2);
    own.attention.values = claim(space, places * HEAD * 2);
    own.attention.weights = claim(space, places * MOST_ROWS * 2);
    own.attention.scores = claim(space, places * MOST_ROWS * 4);
    own.spare = claim(space, wide * 4);
    own.products = claim(space, BLOCK * feed * 4);
    own.gates = claim(space, BLOCK * PANEL * 4);
    own.change = claim(space, BLOCK * wide * 4);
    own.rows = claim_rows(space, BLOCK, inner > feed ? inner : feed);
    return own;
}

/* This thread's own pieces, behind the shared ones. */
static EncoderOwn own_encoder_pieces(Space shared, const Stack *stack, int64_t longest) {
    Space one = {0}, own;
    encoder_own(&one, stack, longest);
    own = (Space){shared.start + shared.used + omp_get_thread_num() * one.used, 0};
    return encoder_own(&own, stack, longest);
}

/* Bytes that `encode` needs for so many tokens in all and in the longest article. */
int64_t encoder_space(const Stack *stack, int64_t tokens, int64_t longest, int64_t threads) {
    Space shared = {0}, own = {0};
    encoder_pieces(&shared, stack, tokens);
    encoder_own(&own, stack, longest);
    return shared.used + threads * own.used;
}

/* out (count, outputs) of a whole layer; `after` is the layer that comes next. */
static void linear_rows(Rows rows, int64_t count, const Linear *linear, const Linear *after,
                        float *out) {
    const int64_t panels = linear->outputs / PANEL;
    for (int64_t panel = 0; panel < panels; panel++)
        linear_panel(rows, count, linear, panel,
                     panel + 1 < panels ? panel_of(linear, panel + 1) : after->weights, PLAIN,
                     out + panel * PANEL, linear->outputs);
}

/* Hidden states x (tokens, width), embedded and normalised, become those of the last layer.
 *
 * starts (articles + 1) are where each article begins; memory is of encoder_space bytes. */
void encode(const Stack *stack, float *x, const int64_t *starts, int64_t articles,
            const Bias *bias, char *memory, int64_t threads) {
    const int64_t tokens = starts[articles], inner = stack->heads * HEAD;
    const int64_t width = stack->width, wide = padded(width);
    const int64_t feed = stack->layers[0].up.outputs;
    int64_t longest = 0;
    for (int64_t a = 0; a < articles; a++)
        if (starts[a + 1] - starts[a] > longest) longest = starts[a + 1] - starts[a];
    Space space = {memory, 0};
    const EncoderPieces pieces = encoder_pieces(&space, stack, tokens);
    uint16_t *const qkv = pieces.qkv;
    float *const mixed = pieces.mixed;
    const Rows read = pieces.read;
    int64_t blocks = (tokens + BLOCK - 1) / BLOCK;
    blocks = (blocks + threads - 1) / threads * threads;
    Team team = {0};
#pragma omp parallel num_threads((int)threads)
    {
        const int size = omp_get_num_threads();
        const EncoderOwn own = own_encoder_pieces(space, stack, longest);
        const EncoderSpace attention = own.attention;
        float *const spare = own.spare, *const products = own.products;
        float *const gates = own.gates, *const change = own.change;
        const Rows rows = own.rows;
        for (int64_t index = 0; index < stack->count; index++) {
            const Layer *layer = stack->layers + index;
            for (int64_t block; (block = take(&team)) < blocks;) {
                const int64_t first = tokens * block / blocks;
                const int64_t count = tokens * (block + 1) / blocks - first;
                if (index == 0)
                    for (int64_t r = first; r < first + count; r++)
                        finish_row(x + r * width, NULL, width, wide, NULL,
                                   next_read(stack, &layer->norm), spare, rows_from(read, r, wide));
                for (int64_t panel = 0; panel < 3 * stack->heads; panel++) {
                    linear_panel(rows_from(read, first, wide), count, &layer->qkv, panel,
                                 panel_of(&layer->qkv, (panel + 1) % (3 * stack->heads)), PLAIN,
                                 products, HEAD);
                    for (int64_t r = 0; r < count; r++)
                        for (int d = 0; d < HEAD; d += 16)
                            _mm256_storeu_si256(
                                (__m256i *)(qkv + (first + r) * 3 * inner + panel * HEAD + d),
                                to_bf16(_mm512_loadu_ps(products + r * HEAD + d)));
                }
            }
            meet(&team, size);
            for (int64_t task; (task = take(&team)) < articles * stack->heads;) {
                const int64_t article = task / stack->heads, head = task % stack->heads;
                const int64_t first = starts[article];
                attend_article(qkv + first * 3 * inner + head * HEAD, inner,
                               starts[article + 1] - first, head, bias, attention,
                               mixed + first * inner + head * HEAD);
            }
            meet(&team, size);
            for (int64_t block; (block = take(&team)) < blocks;) {
                const int64_t first = tokens * block / blocks;
                const int64_t count = tokens * (block + 1) / blocks - first;
                Rows seen = rows_from(read, first, wide);
                for (int64_t r = 0; r < count; r++)
                    quantise(mixed + (first + r) * inner, inner, inner, rows_from(rows, r, inner));
                linear_rows(rows, count, &layer->out, &layer->up, change);
                for (int64_t r = 0; r < count; r++)
                    finish_row(x + (first + r) * width, change + r * wide, width, wide,
                               kept(stack, &layer->norm), next_read(stack, &layer->feed_norm), spare,
                               rows_from(seen, r, wide));
                for (int64_t panel = 0; panel < feed / PANEL; panel++) {
                    const uint8_t *next = panel + 1 < feed / PANEL ? panel_of(&layer->up, panel + 1)
                                                                   : layer->down.weights;
                    linear_panel(seen, count, &layer->up, panel,
                                 layer->gate.weights ? panel_of(&layer->gate, panel) : next,
                                 (int)stack->activation, products + panel * PANEL, feed);
                    if (!layer->gate.weights) continue;
                    linear_panel(seen, count, &layer->gate, panel, next, PLAIN, gates, PANEL);
                    for (int64_t r = 0; r < count; r++)
                        for (int c = 0; c < PANEL; c += 16) {
                            float *up = products + r * feed + panel * PANEL + c;
                            _mm512_storeu_ps(up, _mm512_mul_ps(_mm512_loadu_ps(up),
                                                               _mm512_loadu_ps(gates + r * PANEL + c)));
                        }
                }
                for (int64_t r = 0; r < count; r++)
                    quantise(products + r * feed, feed, feed, rows_from(rows, r, feed));
                linear_rows(rows, count, &layer->down, &layer->out, change);
                const Norm *next =
                    index + 1 < stack->count ? next_read(stack, &layer[1].norm) : NULL;
                for (int64_t r = 0; r < count; r++)
                    finish_row(x + (first + r) * width, change + r * wide, width, wide,
                               last_kept(stack, index, &layer->feed_norm), next, spare,
                               rows_from(seen, r, wide));
            }
            meet(&team, size);
        }
    }
}

/* ---- What the decoder attends to ---- */

/* An article's memory in a slot: for each layer keys, values and their scales of all heads. */
typedef struct {
    char *start;
    int64_t places; /* room for as many, a multiple of 64 */
} Slot;

int64_t memory_bytes(const Stack *stack, int64_t places) {
    return stack->count * stack->heads * places * (2 * HEAD + 8);
}

static Memory memory_of(const Stack *stack, Slot slot, int64_t layer, int64_t head) {
    const int64_t each = slot.places * (2 * HEAD + 8);
    char *at = slot.start + (layer * stack->heads + head) * each;
    const int64_t bytes = slot.places * HEAD;
    return (Memory){(uint8_t *)at, (uint8_t *)at + bytes, (float *)(at + 2 * bytes),
                    (float *)(at + 2 * bytes) + slot.places};
}

int64_t remember_space(const Stack *stack, int64_t length, int64_t threads) {
    Space space = {0};
    claim_rows(&space, length, padded(stack->width));
    claim(&space, threads * PANEL * 2 * PANEL * 4);
    return space.used;
}

/* Take the encoder's hidden states (length, width) of an article into a slot. */
void remember(const Stack *stack, const float *hidden, int64_t length, Slot slot, char *memory,
              int64_t threads) {
    const int64_t width = stack->width, wide = padded(width), heads = stack->heads;
    const int64_t blocks = (length + PANEL - 1) / PANEL;
    Space space = {memory, 0};
    Rows rows = claim_rows(&space, length, wide);
    float *products = claim(&space, threads * PANEL * 2 * PANEL * 4);
    Team team = {0};
#pragma omp parallel num_threads((int)threads)
    {
        const int size = omp_get_num_threads();
        float *keys = products + omp_get_thread_num() * PANEL * 2 * PANEL;
        float *values = keys + PANEL * PANEL;
        for (int64_t r; (r = take(&team)) < length;)
            quantise(hidden + r * width, width, wide, rows_from(rows, r, wide));
        meet(&team, size);
        for (int64_t task; (task = take(&team)) < stack->count * heads;) {
            const int64_t layer = task / heads, head = task % heads;
            const Linear *both = &stack->layers[layer].key_value;
            for (int64_t block = 0; block < blocks; block++) {
                const int64_t first = block * PANEL;
                const int64_t count = length - first < PANEL ? length - first : PANEL;
                Rows part = rows_from(rows, first, wide);
                linear_panel(part, count, both, head, panel_of(both, heads + head), PLAIN, keys,
                             PANEL);
                linear_panel(part, count, both, heads + head, panel_of(both, head), PLAIN, values,
                             PANEL);
                memorise(keys, values, PANEL, first, count, memory_of(stack, slot, layer, head));
            }
        }
    }
}

/* ---- A step of the decoder ---- */

typedef struct {
    int64_t articles, beams, tokens; /* rows are articles * beams, each reads `tokens` tokens */
    const Slot *slots;               /* (articles) */
    const int64_t *article_lengths;  /* (articles) */
    const int64_t *cache_rows;       /* (rows): where each row's own past is written */
    const int64_t *lengths;          /* (rows): places already there */
    uint16_t *cache;                 /* (layers, 2, places, all rows, inner) */
    int32_t *origins;                /* (all rows, places) */
    int64_t all_rows, places;
} Step;

/* What all threads share ... */
typedef struct {
    float *qkv, *mixed, *products, *gates, *change;
    Rows read, heard, fed;
} StepPieces;

/* ... and what each has for itself. */
typedef struct {
    float *spare, *scores;
    DecoderSpace recalling;
} StepOwn;

static StepPieces step_pieces(Space *space, const Stack *stack, int64_t count) {
    const int64_t inner = stack->heads * HEAD, wide = padded(stack->width);
    const int64_t feed = stack->layers[0].up.outputs;
    StepPieces pieces;
    pieces.qkv = claim(space, count * 3 * inner * 4);
    pieces.mixed = claim(space, count * inner * 4);
    pieces.products = claim(space, count * feed * 4);
    pieces.gates = claim(space, count * feed * 4);
    pieces.change = claim(space, count * wide * 4);
    pieces.read = claim_rows(space, count, wide);
    pieces.heard = claim_rows(space, count, inner);
    pieces.fed = claim_rows(space, count, feed);
    return pieces;
}

static StepOwn step_own(Space *space, const Stack *stack, int64_t places, int64_t longest) {
    StepOwn own;
    own.spare = claim(space, padded(stack->width) * 4);
    own.scores = claim(space, padded(places) * 4);
    own.recalling.scores = claim(space, padded(longest) * 8);
    own.recalling.digits = claim(space, padded(longest) * 4);
    return own;
}

static StepOwn own_step_pieces(Space shared, const Stack *stack, int64_t places, int64_t longest) {
    Space one = {0}, own;
    step_own(&one, stack, places, longest);
    own = (Space){shared.start + shared.used + omp_get_thread_num() * one.used, 0};
    return step_own(&own, stack, places, longest);
}

/* Bytes that `decode` needs for so many rows times tokens. */
int64_t step_space(const Stack *stack, int64_t count, int64_t places, int64_t longest,
                   int64_t threads) {
    Space shared = {0}, own = {0};
    step_pieces(&shared, stack, count);
    step_own(&own, stack, places, longest);
    return shared.used + threads * own.used;
}

/* Share out the panels of a linear layer, before the layer `after`; out has as many columns as the
 * layer has outputs. */
static void share(Team *team, int size, Rows rows, int64_t count, const Linear *linear,
                  const Linear *after, int activation, float *out) {
    const int64_t panels = linear->outputs / PANEL;
    for (int64_t panel; (panel = take(team)) < panels;) {
        const int64_t next = panel + size; /* the other threads take those between */
        linear_panel(rows, count, linear, panel,
                     next < panels ? panel_of(linear, next) : panel_of(after, next - panels),
                     activation, out + panel * PANEL, linear->outputs);
    }
    meet(team, size);
}

/* Hidden states x (rows * tokens, width), embedded and normalised, become those of the last
 * layer; the cache takes what the rows have read. */
void decode(const Stack *stack, float *x, const Step *step, const Bias *bias, char *memory,
            int64_t threads) {
    const int64_t inner = stack->heads * HEAD, width = stack->width, wide = padded(width);
    const int64_t feed = stack->layers[0].up.outputs, heads = stack->heads, n = step->tokens;
    const int64_t rows = step->articles * step->beams, count = rows * n;
    int64_t longest = 0;
    for (int64_t a = 0; a < step->articles; a++)
        if (step->article_lengths[a] > longest) longest = step->article_lengths[a];
    Space space = {memory, 0};
    const StepPieces pieces = step_pieces(&space, stack, count);
    float *const qkv = pieces.qkv, *const mixed = pieces.mixed, *const change = pieces.change;
    float *const products = pieces.products, *const gates = pieces.gates;
    const Rows read = pieces.read, heard = pieces.heard, fed = pieces.fed;
    const int64_t plane = step->places * step->all_rows * inner;
    Team team = {0};
#pragma omp parallel num_threads((int)threads)
    {
        const int size = omp_get_num_threads();
        const StepOwn own = own_step_pieces(space, stack, step->places, longest);
        float *const spare = own.spare, *const scores = own.scores;
        const DecoderSpace recalling = own.recalling;
        for (int64_t r; (r = take(&team)) < count;) {
            const int64_t row = r / n, mine = step->cache_rows[row];
            step->origins[mine * step->places + step->lengths[row] + r % n] = (int32_t)mine;
            finish_row(x + r * width, NULL, width, wide, NULL,
                       next_read(stack, &stack->layers[0].norm), spare, rows_from(read, r, wide));
        }
        meet(&team, size);
        for (int64_t index = 0; index < stack->count; index++) {
            const Layer *layer = stack->layers + index;
            share(&team, size, read, count, &layer->qkv, &layer->out, PLAIN, qkv);
            for (int64_t task; (task = take(&team)) < rows * heads;) {
                const int64_t row = task / heads, head = task % heads, place = step->lengths[row];
                const int64_t mine = step->cache_rows[row];
                const int32_t *origins = step->origins + mine * step->places;
                Past past = {step->cache + 2 * index * plane + head * HEAD,
                             step->cache + (2 * index + 1) * plane + head * HEAD, origins,
                             step->all_rows * inner, inner};
                for (int64_t t = 0; t < n; t++) {
                    const float *from = qkv + (row * n + t) * 3 * inner + inner + head * HEAD;
                    const int64_t to = (place + t) * past.place_stride + mine * inner;
                    for (int d = 0; d < HEAD; d += 16) {
                        _mm256_storeu_si256((__m256i *)(past.keys + to + d),
                                            to_bf16(_mm512_loadu_ps(from + d)));
                        _mm256_storeu_si256((__m256i *)(past.values + to + d),
                                            to_bf16(_mm512_loadu_ps(from + inner + d)));
                    }
                }
                for (int64_t t = 0; t < n; t++)
                    look_back(qkv + (row * n + t) * 3 * inner + head * HEAD, place + t + 1, past,
                              bias_of(bias, head, place + t), scores,
                              mixed + (row * n + t) * inner + head * HEAD);
            }
            meet(&team, size);
            for (int64_t r; (r = take(&team)) < count;)
                quantise(mixed + r * inner, inner, inner, rows_from(heard, r, inner));
            meet(&team, size);
            share(&team, size, heard, count, &layer->out, &layer->query, PLAIN, change);
            for (int64_t r; (r = take(&team)) < count;)
                finish_row(x + r * width, change + r * wide, width, wide, kept(stack, &layer->norm),
                           next_read(stack, &layer->cross_norm), spare, rows_from(read, r, wide));
            meet(&team, size);
            share(&team, size, read, count, &layer->query, &layer->cross_out, PLAIN, qkv);
            for (int64_t task; (task = take(&team)) < step->articles * heads;) {
                const int64_t article = task / heads, head = task % heads;
                const int64_t first = article * step->beams * n;
                recall(qkv + first * inner + head * HEAD, inner, step->beams * n,
                       step->article_lengths[article],
                       memory_of(stack, step->slots[article], index, head), recalling,
                       mixed + first * inner + head * HEAD, inner);
            }
            meet(&team, size);
            for (int64_t r; (r = take(&team)) < count;)
                quantise(mixed + r * inner, inner, inner, rows_from(heard, r, inner));
            meet(&team, size);
            share(&team, size, heard, count, &layer->cross_out, &layer->up, PLAIN, change);
            for (int64_t r; (r = take(&team)) < count;)
                finish_row(x + r * width, change + r * wide, width, wide,
                           kept(stack, &layer->cross_norm), next_read(stack, &layer->feed_norm), spare,
                           rows_from(read, r, wide));
            meet(&team, size);
            share(&team, size, read, count, &layer->up,
                  layer->gate.weights ? &layer->gate : &layer->down, (int)stack->activation,
                  products);
            if (layer->gate.weights)
                share(&team, size, read, count, &layer->gate, &layer->down, PLAIN, gates);
            for (int64_t r; (r = take(&team)) < count;) {
                float *up = products + r * feed;
                if (layer->gate.weights)
                    for (int64_t i = 0; i < feed; i += 16)
                        _mm512_storeu_ps(up + i, _mm512_mul_ps(_mm512_loadu_ps(up + i),
                                                               _mm512_loadu_ps(gates + r * feed + i)));
                quantise(up, feed, feed, rows_from(fed, r, feed));
            }
            meet(&team, size);
            share(&team, size, fed, count, &layer->down,
                  &stack->layers[(index + 1) % stack->count].qkv, PLAIN, change);
            const Norm *next = index + 1 < stack->count ? next_read(stack, &layer[1].norm) : NULL;
            for (int64_t r; (r = take(&team)) < count;)
                finish_row(x + r * width, change + r * wide, width, wide,
                           last_kept(stack, index, &layer->feed_norm), next, spare,
                           rows_from(read, r, wide));
            meet(&team, size);
        }
    }
}

/* out (count, outputs) = x (count, width) through one linear layer, as for the output layer. */
void apply_linear(const Linear *linear, const float *x, int64_t count, int64_t width, float *out,
                  char *memory, int64_t threads) {
    Space space = {memory, 0};
    Rows rows = claim_rows(&space, count, linear->inputs);
    Team team = {0};
#pragma omp parallel num_threads((int)threads)
    {
        const int size = omp_get_num_threads();
        for (int64_t r; (r = take(&team)) < count;)
            quantise(x + r * width, width, linear->inputs, rows_from(rows, r, linear->inputs));
        meet(&team, size);
        share(&team, size, rows, count, linear, linear, PLAIN, out);
    }
}


/* ---- The largest output of each row ---- */

/* Where a row is largest among what one thread has seen, the first of equals. */
typedef struct {
    float value;
    int64_t at;
} Best;

typedef struct {
    float *products; /* (rows, 64) */
    Best *best;      /* (rows) */
} BestOwn;

static BestOwn best_own(Space *space, int64_t count) {
    BestOwn own;
    own.products = claim(space, count * PANEL * 4);
    own.best = claim(space, count * (int64_t)sizeof(Best));
    return own;
}

static BestOwn best_own_of(Space shared, int64_t count, int64_t thread) {
    Space one = {0}, own;
    best_own(&one, count);
    own = (Space){shared.start + shared.used + thread * one.used, 0};
    return best_own(&own, count);
}

int64_t best_outputs_space(const Linear *linear, int64_t count, int64_t threads) {
    Space shared = {0}, own = {0};
    claim_rows(&shared, count, linear->inputs);
    best_own(&own, count);
    return shared.used + threads * own.used;
}

/* Of the first `count` of 64 outputs that begin at `at`. */
static void keep_best(const float *outputs, int64_t count, int64_t at, Best *best) {
    const __m512 held = _mm512_set1_ps(best->value);
    for (int64_t c = 0; c < count; c += 16) {
        const __mmask16 there = count - c < 16 ? lanes(count - c) : 0xffff;
        const __m512 values = _mm512_loadu_ps(outputs + c);
        if (!_mm512_mask_cmp_ps_mask(there, values, held, _CMP_GT_OQ)) continue;
        const float largest = _mm512_mask_reduce_max_ps(there, values);
        if (!(largest > best->value)) continue; /* `held` is older than the last sixteen */
        const __mmask16 here =
            _mm512_mask_cmp_ps_mask(there, values, _mm512_set1_ps(largest), _CMP_EQ_OQ);
        *best = (Best){largest, at + c + __builtin_ctz(here)};
    }
}

/* best (count): which of the first `outputs` outputs of x (count, width) is largest, the first of
 * equals; memory is of best_outputs_space bytes. */
void best_outputs(const Linear *linear, const float *x, int64_t count, int64_t width,
                  int64_t outputs, int64_t *best, char *memory, int64_t threads) {
    Space space = {memory, 0};
    const Rows rows = claim_rows(&space, count, linear->inputs);
    const int64_t panels = linear->outputs / PANEL;
    Team team = {0};
    int size = 1;
#pragma omp parallel num_threads((int)threads)
    {
        const BestOwn own = best_own_of(space, count, omp_get_thread_num());
        if (omp_get_thread_num() == 0) size = omp_get_num_threads();
        for (int64_t r = 0; r < count; r++) own.best[r] = (Best){-INFINITY, 0};
        for (int64_t r; (r = take(&team)) < count;)
            quantise(x + r * width, width, linear->inputs, rows_from(rows, r, linear->inputs));
        meet(&team, omp_get_num_threads());
        for (int64_t panel; (panel = take(&team)) < panels;) {
            const int64_t next = (panel + omp_get_num_threads()) % panels, at = panel * PANEL;
            linear_panel(rows, count, linear, panel, panel_of(linear, next), PLAIN, own.products,
                         PANEL);
            for (int64_t r = 0; r < count; r++)
                keep_best(own.products + r * PANEL, outputs - at < PANEL ? outputs - at : PANEL, at,
                          own.best + r);
        }
    }
    for (int64_t r = 0; r < count; r++) {
        Best found = best_own_of(space, count, 0).best[r];
        for (int64_t thread = 1; thread < size; thread++) {
            const Best other = best_own_of(space, count, thread).best[r];
            if (other.value > found.value || (other.value == found.value && other.at < found.at))
                found = other;
        }
        best[r] = found.at;
    }
}

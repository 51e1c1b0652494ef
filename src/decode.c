/* SPDX-License-Identifier: PostgreSQL
 *
 * The JSON decoder: the plan, and the walk through a message.
 *
 * The wanted paths are a tree. The walk goes down only where that tree does, with one frame for each
 * level; everything else is skipped, checked as strictly, with one bit for each level, so that no
 * nesting is too deep and nothing recurses. Messages of one topic mostly have the same keys in the
 * same order: each object of the tree remembers the bytes between the values of the message before,
 * `, "price": `, and where they stand again a key costs one comparison.
 *
 * What a value becomes is value.h's part. It does not keep anything of a message but the
 * bytes of keys.
 */
#include "decode.h"

#include "lexer.h"
#include "value.h"

/* Keys that an object remembers, and the longest of them, with all between two values. */
#define GUESS_COUNT 64
#define GUESS_SLOTS (GUESS_COUNT + 1) /* the last stays empty */
#define GUESS_WORDS 4
#define GUESS_LEN ((ptrdiff_t) (GUESS_WORDS * sizeof(uint64_t)))

typedef struct Node Node;

/* What stood between two values of an object. */
typedef struct Guess
{
	uint64_t words[GUESS_WORDS];
	uint64_t masks[GUESS_WORDS]; /* the bytes that count */
	const Node *node;            /* wanted below this key, or NULL */
	uint32_t len;                /* 0: nothing learned */
} Guess;

/* A wanted field, at its place in the tree. */
typedef struct Wanted
{
	struct Wanted *next; /* at the same place */
	uint32_t index;      /* of its value */
	WeirType type;
	WeirUnit unit;
} Wanted;

/* A place in the tree of wanted paths. */
struct Node
{
	Node *parent;
	WeirStep step;      /* from the parent; the root has none */
	Wanted *wanted;     /* what is wanted of this place itself */
	Node *children;     /* by name and by number */
	Node *next;         /* another child of the parent */
	Node *elements;     /* the children by number, ascending */
	Node *next_element; /* the next higher one */
	Node *next_hash;    /* another node in the same bucket */
	Guess *guesses;     /* if there are children by name; else NULL */
};

/* One level of the walk. */
typedef struct Frame
{
	const Node *node;
	const Node *element; /* of an array: the next one wanted */
	uint32_t at;         /* elements read so far; members, up to GUESS_COUNT */
	bool is_array;
} Frame;

struct WeirDecoder
{
	uint32_t field_count;
	uint32_t node_count;
	uint32_t bucket_mask;
	Node *nodes; /* the root first */
	Wanted *wanted;
	Node **buckets; /* of the children by name, of all nodes together */
	Frame *frames;
	Guess *next_guesses; /* not given to a node yet */
	char *next_name;
};

/* One message being read. */
typedef struct Run
{
	WeirLexer lexer;
	WeirDecoder *decoder;
	const char *payload;
	uint8_t *nesting; /* a bit for each level that is skipped: is it an object? */
	char *scratch;    /* free from here on */
	WeirValue *values;
} Run;

static const char *document_read(Run *run, const char *p);
static const char *object_or_array_walk(Run *run, const char *p);
static const char *member_next(Run *run, Frame *frame, const char *p, const Node **child);
static const char *member_read(Run *run, Frame *frame, const char *p, const Node **child);
static const char *element_next(Run *run, Frame *frame, const char *p, const Node **child);
static const char *wanted_read(Run *run, const Node *node, const char *p);
static const char *value_skip(Run *run, const char *p, uint32_t *depth);

/*
 * The plan
 */

/* How many of what the plan needs. */
typedef struct PlanSize
{
	size_t node_count;
	size_t object_count; /* nodes with children by name */
	size_t bucket_count; /* a power of two */
	size_t frame_count;
	size_t name_bytes;
} PlanSize;

static bool
is_same_step(const WeirStep *a, const WeirStep *b)
{
	if (a->name == NULL || b->name == NULL)
		return a->name == b->name && a->element == b->element;
	return a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0;
}

/* Does an earlier field go through the same first steps, and on by a name? */
static bool
is_known_object(const WeirField *fields, uint32_t index, uint32_t step_count)
{
	for (uint32_t i = 0; i < index; i++)
	{
		uint32_t step = 0;

		if (fields[i].step_count <= step_count || fields[i].steps[step_count].name == NULL)
			continue;
		while (step < step_count &&
			   is_same_step(&fields[i].steps[step], &fields[index].steps[step]))
			step++;
		if (step == step_count)
			return true;
	}
	return false;
}

static PlanSize
plan_measure(const WeirField *fields, uint32_t field_count)
{
	PlanSize size = {.node_count = 1, .bucket_count = 1};

	for (uint32_t i = 0; i < field_count; i++)
	{
		const WeirField *field = &fields[i];

		size.node_count += field->step_count;
		if (size.frame_count < field->step_count)
			size.frame_count = field->step_count;
		for (uint32_t step = 0; step < field->step_count; step++)
		{
			if (field->steps[step].name == NULL)
				continue;
			size.name_bytes += field->steps[step].name_len;
			size.object_count += !is_known_object(fields, i, step);
		}
	}
	while (size.bucket_count < 2 * size.node_count)
		size.bucket_count *= 2;
	return size;
}

size_t
weir_decoder_size(const WeirField *fields, uint32_t field_count)
{
	PlanSize size = plan_measure(fields, field_count);

	return sizeof(WeirDecoder) + size.node_count * sizeof(Node) + field_count * sizeof(Wanted) +
		   size.bucket_count * sizeof(Node *) + size.frame_count * sizeof(Frame) +
		   size.object_count * GUESS_SLOTS * sizeof(Guess) + size.name_bytes;
}

static Node **
bucket_of(const WeirDecoder *decoder, const Node *parent, const char *name, size_t len)
{
	uint64_t hash = (uint64_t) (parent - decoder->nodes) ^ (len << 32);

	for (; len >= 8; name += 8, len -= 8)
	{
		hash = (hash ^ weir_load8(name)) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 32;
	}
	for (; len > 0; name++, len--)
		hash = (hash ^ (unsigned char) *name) * UINT64_C(0x9E3779B97F4A7C15);
	return &decoder->buckets[(hash >> 32) & decoder->bucket_mask];
}

static Node *
member_find(const WeirDecoder *decoder, const Node *parent, const char *name, size_t len)
{
	Node *node = *bucket_of(decoder, parent, name, len);

	while (node != NULL && (node->parent != parent || node->step.name_len != len ||
							memcmp(node->step.name, name, len) != 0))
		node = node->next_hash;
	return node;
}

static void
member_link(WeirDecoder *decoder, Node *node)
{
	WeirStep *step = &node->step;
	Node **bucket = bucket_of(decoder, node->parent, step->name, step->name_len);

	step->name = memcpy(decoder->next_name, step->name, step->name_len);
	decoder->next_name += step->name_len;
	node->next_hash = *bucket;
	*bucket = node;
	if (node->parent->guesses == NULL)
	{
		node->parent->guesses = decoder->next_guesses;
		decoder->next_guesses += GUESS_SLOTS;
	}
}

static void
element_link(Node *node)
{
	Node **link = &node->parent->elements;

	while (*link != NULL && (*link)->step.element < node->step.element)
		link = &(*link)->next_element;
	node->next_element = *link;
	*link = node;
}

/* Result: the child by this step, made if it was not there. */
static Node *
node_child(WeirDecoder *decoder, Node *parent, const WeirStep *step)
{
	Node *node = parent->children;

	while (node != NULL && !is_same_step(&node->step, step))
		node = node->next;
	if (node != NULL)
		return node;
	node = &decoder->nodes[decoder->node_count++];
	node->parent = parent;
	node->step = *step;
	node->next = parent->children;
	parent->children = node;
	if (step->name != NULL)
		member_link(decoder, node);
	else
		element_link(node);
	return node;
}

static void
field_add(WeirDecoder *decoder, const WeirField *field)
{
	Wanted *wanted = &decoder->wanted[decoder->field_count];
	Node *node = decoder->nodes;

	for (uint32_t step = 0; step < field->step_count; step++)
		node = node_child(decoder, node, &field->steps[step]);
	wanted->index = decoder->field_count++;
	wanted->type = field->type;
	wanted->unit = field->unit;
	wanted->next = node->wanted;
	node->wanted = wanted;
}

/* The next piece of the memory; their sizes keep each other aligned. */
static void *
piece_take(char **memory, size_t size)
{
	void *piece = *memory;

	*memory += size;
	return piece;
}

WeirDecoder *
weir_decoder_init(void *memory, const WeirField *fields, uint32_t field_count)
{
	PlanSize size = plan_measure(fields, field_count);
	WeirDecoder *decoder = memset(memory, 0, weir_decoder_size(fields, field_count));
	char *rest = (char *) memory + sizeof(*decoder);

	decoder->nodes = piece_take(&rest, size.node_count * sizeof(Node));
	decoder->wanted = piece_take(&rest, field_count * sizeof(Wanted));
	decoder->buckets = piece_take(&rest, size.bucket_count * sizeof(Node *));
	decoder->frames = piece_take(&rest, size.frame_count * sizeof(Frame));
	decoder->next_guesses = piece_take(&rest, size.object_count * GUESS_SLOTS * sizeof(Guess));
	decoder->next_name = rest;
	decoder->bucket_mask = (uint32_t) size.bucket_count - 1;
	decoder->node_count = 1;
	for (uint32_t i = 0; i < field_count; i++)
		field_add(decoder, &fields[i]);
	return decoder;
}

/*
 * The walk
 */

size_t
weir_decoder_scratch(size_t payload_len)
{
	/* a bit for each level, and what strings stand for, which is never longer than they are */
	return payload_len / 8 + 1 + payload_len;
}

WeirReason
weir_decoder_run(WeirDecoder *decoder, const char *payload, size_t payload_len, char *scratch,
				 WeirValue *values, uint32_t *place)
{
	Run run = {.decoder = decoder, .payload = payload, .values = values};

	*place = 0;
	if (payload_len == 0)
		return WEIR_REASON_EMPTY;
	if (payload_len > WEIR_PAYLOAD_MAX)
		return WEIR_REASON_TOO_LARGE;
	run.lexer.end = payload + payload_len;
	run.nesting = (uint8_t *) scratch;
	run.scratch = scratch + payload_len / 8 + 1;
	for (uint32_t i = 0; i < decoder->field_count; i++)
		values[i].state = WEIR_STATE_MISSING;
	if (document_read(&run, payload) != NULL)
		return WEIR_REASON_NONE;
	*place = (uint32_t) (run.lexer.place - payload);
	return run.lexer.reason;
}

/* Does the value that begins here lead on to something wanted? */
static inline bool
is_way(const Run *run, const Node *node, const char *p)
{
	return p < run->lexer.end &&
		   ((*p == '{' && node->guesses != NULL) || (*p == '[' && node->elements != NULL));
}

/* Result: NULL if the document is refused. */
static const char *
document_read(Run *run, const char *p)
{
	const char *begin = weir_lexer_space(&run->lexer, p);
	bool is_wanted;
	uint32_t depth;

	if (begin == run->lexer.end)
		return weir_lexer_fail(&run->lexer, p, WEIR_REASON_EMPTY);
	is_wanted = *begin == '{' || is_way(run, run->decoder->nodes, begin);
	if (is_way(run, run->decoder->nodes, begin))
		p = object_or_array_walk(run, begin);
	else
		p = value_skip(run, begin, &depth);
	if (p == NULL)
		return NULL;
	p = weir_lexer_space(&run->lexer, p);
	if (p != run->lexer.end)
		return weir_lexer_fail(&run->lexer, p, WEIR_REASON_TRAILING);
	return is_wanted ? p : weir_lexer_fail(&run->lexer, begin, WEIR_REASON_NOT_OBJECT);
}

/* The node that follows in the subtree of `top`, parents first, or NULL. */
static const Node *
subtree_next(const Node *node, const Node *top)
{
	if (node->children != NULL)
		return node->children;
	while (node != top && node->next == NULL)
		node = node->parent;
	return node == top ? NULL : node->next;
}

/* Forgets what an earlier member of the same name held: the last one wins. */
static void
subtree_clear(Run *run, const Node *top)
{
	for (const Node *node = top; node != NULL; node = subtree_next(node, top))
		for (const Wanted *wanted = node->wanted; wanted != NULL; wanted = wanted->next)
			run->values[wanted->index].state = WEIR_STATE_MISSING;
}

static void
frame_open(Frame *frame, const Node *node, char c)
{
	frame->node = node;
	frame->element = node->elements;
	frame->at = 0;
	frame->is_array = c == '[';
}

/* Reads an object or array that wanted paths lead into, from its bracket on. Result: behind it. */
static const char *
object_or_array_walk(Run *run, const char *p)
{
	Frame *frame = run->decoder->frames;
	const Node *child;
	uint32_t depth;

	frame_open(frame, run->decoder->nodes, *p++);
	for (;;)
	{
		if (frame->is_array)
			p = element_next(run, frame, p, &child);
		else
			p = member_next(run, frame, p, &child);
		if (weir_unlikely(p == NULL))
			return NULL;
		if (child == frame->node)
		{
			/* not a child: its end */
			if (frame == run->decoder->frames)
				return p;
			frame--;
		}
		else if (child == NULL)
			p = value_skip(run, p, &depth);
		else if (child->children == NULL)
			p = wanted_read(run, child, p);
		else
		{
			const char *begin = p;

			subtree_clear(run, child);
			/* read as a whole first, if that is wanted too */
			p = child->wanted != NULL ? wanted_read(run, child, p) : p;
			if (p != NULL && is_way(run, child, begin))
			{
				frame_open(++frame, child, *begin);
				p = begin + 1;
			}
			else if (p != NULL && child->wanted == NULL)
				p = value_skip(run, p, &depth);
		}
		if (weir_unlikely(p == NULL))
			return NULL;
	}
}

/* Does what was learned stand at p? */
static inline bool
guess_matches(const Guess *guess, const char *p, const char *end)
{
	uint64_t differences = 0;

	if (weir_unlikely(end - p < GUESS_LEN))
		return guess->len != 0 && end - p > (ptrdiff_t) guess->len &&
			   memcmp(p, guess->words, guess->len) == 0;
	for (int i = 0; i < GUESS_WORDS; i++)
		differences |= (weir_load8(p + 8 * i) ^ guess->words[i]) & guess->masks[i];
	return differences == 0 && guess->len != 0;
}

/* Learns what stands between two values. */
static void
guess_learn(Guess *guess, const char *begin, const char *end, const Node *node)
{
	ptrdiff_t len = end - begin;

	if (len > GUESS_LEN)
		return;
	memset(guess, 0, sizeof(*guess));
	memcpy(guess->words, begin, (size_t) len);
	memset(guess->masks, 0xFF, (size_t) len);
	guess->node = node;
	guess->len = (uint32_t) len;
}

/* Goes on to the next member of an object. Result: where its value begins, with the child that is
 * wanted there or NULL; or behind the object, with the object itself for a child. */
static inline const char *
member_next(Run *run, Frame *frame, const char *p, const Node **child)
{
	const Guess *guess = &frame->node->guesses[frame->at];

	if (weir_likely(guess_matches(guess, p, run->lexer.end)))
	{
		frame->at += frame->at < GUESS_COUNT;
		p += guess->len;
		*child = guess->node;
		return weir_likely(p<run->lexer.end && * p> ' ') ? p : weir_lexer_space(&run->lexer, p);
	}
	return member_read(run, frame, p, child);
}

/* Reads a key and looks it up. Result: behind it, with what is wanted there. */
static const char *
key_read(Run *run, const Node *node, const char *p, const Node **child)
{
	const char *begin = p + 1;
	size_t len;

	if (p == run->lexer.end || *p != '"')
		return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
	p = weir_lexer_string(&run->lexer, begin);
	if (p == NULL)
		return NULL;
	len = (size_t) (p - 1 - begin);
	if (run->lexer.has_escape)
	{
		/* the scratch space is lent: nothing of a key is kept */
		len =
			(size_t) (weir_lexer_unescape(&run->lexer, begin, p - 1, run->scratch) - run->scratch);
		begin = run->scratch;
	}
	*child = member_find(run->decoder, node, begin, len);
	return p;
}

/* As member_next(), where nothing learned stands. */
static __attribute__((noinline)) const char *
member_read(Run *run, Frame *frame, const char *p, const Node **child)
{
	const char *begin = p;
	Guess *guess = &frame->node->guesses[frame->at];

	p = weir_lexer_space(&run->lexer, p);
	if (p < run->lexer.end && *p == '}')
	{
		*child = frame->node;
		return p + 1;
	}
	/* a member that the message before had may be left out */
	if (frame->at > 0 && frame->at < GUESS_COUNT - 1 &&
		guess_matches(guess + 1, begin, run->lexer.end))
	{
		frame->at += 2;
		*child = guess[1].node;
		return weir_lexer_space(&run->lexer, begin + guess[1].len);
	}
	if (frame->at > 0)
	{
		if (p == run->lexer.end || *p != ',')
			return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
		p = weir_lexer_space(&run->lexer, p + 1);
	}
	p = key_read(run, frame->node, p, child);
	if (p == NULL)
		return NULL;
	p = weir_lexer_space(&run->lexer, p);
	if (p == run->lexer.end || *p != ':')
		return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
	p = weir_lexer_space(&run->lexer, p + 1);
	if (frame->at < GUESS_COUNT)
	{
		guess_learn(guess, begin, p, *child);
		frame->at++;
	}
	return p;
}

/* As member_next(), for an array. */
static const char *
element_next(Run *run, Frame *frame, const char *p, const Node **child)
{
	p = weir_lexer_space(&run->lexer, p);
	if (p < run->lexer.end && *p == ']')
	{
		*child = frame->node;
		return p + 1;
	}
	if (frame->at > 0)
	{
		if (p == run->lexer.end || *p != ',')
			return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
		p = weir_lexer_space(&run->lexer, p + 1);
	}
	*child = NULL;
	if (frame->element != NULL && frame->element->step.element == frame->at)
	{
		*child = frame->element;
		frame->element = frame->element->next_element;
	}
	frame->at++;
	return p;
}

/* Reads a value, whatever it is. Result: behind it. */
static inline const char *
token_read(Run *run, const char *p, WeirToken *token)
{
	const char *begin = p;

	token->depth = 0;
	run->lexer.has_nul = false;
	if (p == run->lexer.end)
		return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
	switch (*p)
	{
		case '"':
			token->kind = WEIR_KIND_STRING;
			p = weir_lexer_string(&run->lexer, p + 1);
			if (p == NULL)
				return NULL;
			token->string = (WeirSlice){begin + 1, (uint32_t) (p - begin - 2)};
			if (weir_unlikely(run->lexer.has_escape))
			{
				char *string = run->scratch;

				run->scratch = weir_lexer_unescape(&run->lexer, begin + 1, p - 1, string);
				token->string = (WeirSlice){string, (uint32_t) (run->scratch - string)};
			}
			break;
		case '{':
		case '[':
			token->kind = *p == '{' ? WEIR_KIND_OBJECT : WEIR_KIND_ARRAY;
			p = value_skip(run, p, &token->depth);
			break;
		case 't':
			token->kind = WEIR_KIND_TRUE;
			p = weir_lexer_word(&run->lexer, p, "true", 4);
			break;
		case 'f':
			token->kind = WEIR_KIND_FALSE;
			p = weir_lexer_word(&run->lexer, p, "false", 5);
			break;
		case 'n':
			token->kind = WEIR_KIND_NULL;
			p = weir_lexer_word(&run->lexer, p, "null", 4);
			break;
		default:
			if (*p != '-' && !weir_digit(*p))
				return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
			token->kind = WEIR_KIND_NUMBER;
			p = weir_lexer_number(&run->lexer, p, &token->number);
	}
	token->json = (WeirSlice){begin, (uint32_t) (p - begin)};
	token->has_nul = run->lexer.has_nul;
	return p;
}

/* Reads a value that is wanted as a whole, and sets the fields. Result: behind it. */
static inline const char *
wanted_read(Run *run, const Node *node, const char *p)
{
	uint32_t place = (uint32_t) (p - run->payload);
	WeirToken token;

	p = token_read(run, p, &token);
	if (weir_unlikely(p == NULL))
		return NULL;
	for (const Wanted *wanted = node->wanted; wanted != NULL; wanted = wanted->next)
		weir_value_set(&token, wanted->type, wanted->unit, place, &run->values[wanted->index]);
	return p;
}

/*
 * What is skipped
 */

static inline const char *
scalar_skip(Run *run, const char *p)
{
	switch (p < run->lexer.end ? *p : '\0')
	{
		case '"':
			return weir_lexer_string(&run->lexer, p + 1);
		case 't':
			return weir_lexer_word(&run->lexer, p, "true", 4);
		case 'f':
			return weir_lexer_word(&run->lexer, p, "false", 5);
		case 'n':
			return weir_lexer_word(&run->lexer, p, "null", 4);
		case '-':
		case '0' ... '9':
			return weir_lexer_number_skip(&run->lexer, p);
		default:
			return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
	}
}

/* Reads a key and its colon. Result: where the value begins. */
static const char *
key_skip(Run *run, const char *p)
{
	if (p == run->lexer.end || *p != '"')
		return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
	p = weir_lexer_string(&run->lexer, p + 1);
	if (p == NULL)
		return NULL;
	p = weir_lexer_space(&run->lexer, p);
	if (p == run->lexer.end || *p != ':')
		return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
	return weir_lexer_space(&run->lexer, p + 1);
}

static inline void
nesting_set(Run *run, uint32_t level, bool is_object)
{
	uint8_t bit = (uint8_t) (1 << (level & 7));

	run->nesting[level >> 3] =
		is_object ? run->nesting[level >> 3] | bit : run->nesting[level >> 3] & (uint8_t) ~bit;
}

static inline bool
nesting_is_object(const Run *run, uint32_t level)
{
	return (run->nesting[level >> 3] >> (level & 7) & 1) != 0;
}

/* Goes up from behind a value, out of all that ends there. Result: where the next value begins; or
 * behind the outermost, with *level 0. */
static const char *
skip_on(Run *run, const char *p, uint32_t *level)
{
	while (*level > 0)
	{
		bool is_object = nesting_is_object(run, *level - 1);

		p = weir_lexer_space(&run->lexer, p);
		if (p == run->lexer.end)
			break;
		if (*p == ',')
		{
			p = weir_lexer_space(&run->lexer, p + 1);
			return is_object ? key_skip(run, p) : p;
		}
		if (*p != (is_object ? '}' : ']'))
			return weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
		p++;
		--*level;
	}
	return *level == 0 ? p : weir_lexer_fail(&run->lexer, p, WEIR_REASON_SYNTAX);
}

/* Skips a value, checking it. Result: behind it, with the levels that it nests. */
static const char *
value_skip(Run *run, const char *p, uint32_t *depth)
{
	uint32_t level = 0;

	*depth = 0;
	do
	{
		if (p < run->lexer.end && (*p == '{' || *p == '['))
		{
			char close = *p == '{' ? '}' : ']';

			nesting_set(run, level++, *p == '{');
			*depth = level > *depth ? level : *depth;
			p = weir_lexer_space(&run->lexer, p + 1);
			if (p == run->lexer.end || *p != close)
			{
				p = close == '}' ? key_skip(run, p) : p;
				continue;
			}
			p++;
			level--;
		}
		else
			p = scalar_skip(run, p);
		if (p == NULL || level == 0)
			return p;
		p = skip_on(run, p, &level);
	} while (p != NULL && level > 0);
	return p;
}

/*
 * Elements
 */

bool
weir_elements_begin(WeirElements *elements, const WeirSlice *json, char *scratch)
{
	elements->at = json->data + 1;
	elements->end = json->data + json->len;
	elements->scratch = scratch;
	return json->len >= 2 && json->data[0] == '[';
}

bool
weir_elements_next(WeirElements *elements, WeirType type, WeirUnit unit, WeirValue *value)
{
	size_t len = (size_t) (elements->end - elements->at);
	Run run = {.lexer = {.end = elements->end},
			   .nesting = (uint8_t *) elements->scratch,
			   .scratch = elements->scratch + len / 8 + 1};
	const char *p = weir_lexer_space(&run.lexer, elements->at);
	WeirToken token;

	if (p < elements->end && *p == ',')
		p = weir_lexer_space(&run.lexer, p + 1);
	if (p == elements->end || *p == ']')
		return false;
	elements->at = token_read(&run, p, &token);
	if (elements->at == NULL)
		return false; /* not in JSON that was taken */
	weir_value_set(&token, type, unit, 0, value);
	return true;
}

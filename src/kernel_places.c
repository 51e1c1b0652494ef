/* SPDX-License-Identifier: PostgreSQL
 *
 * Exact sums of numeric: places of base 10000 in a blob.
 *
 * Each place is an int64 of its own, from which nothing is carried while values are added: so adding
 * is a few additions in place, exact whatever the order, and a sum may pass through what no numeric
 * holds, as PostgreSQL's may. Squares are carried as they are added, since their places fill faster.
 *
 * Values are read as they lie on disk, a format that pg_upgrade needs to stay as it is.
 */
#include "postgres.h"

#include "libpq/pqformat.h"

#include "kernel_impl.h"

/* In a blob, whose length tells the count: digits[i] counts 10000^(low + i). */
typedef struct Places
{
	int32 low;
	int32 count;
	int64 *digits;
} Places;

/* Places behind those of the values, for carries out of 2^63 events. */
#define CARRY_PLACES 5

/* Far beyond the places of squares of the largest and smallest numeric. */
#define PLACE_LIMIT 100000

/* numeric on disk: a header of two bytes that holds all, or sign and scale, with two of weight. */
#define KIND_MASK 0xC000
#define KIND_NEGATIVE 0x4000
#define KIND_SHORT 0x8000
#define KIND_SPECIAL 0xC000
#define SPECIAL_MASK 0xF000
#define SPECIAL_PLUS 0xD000
#define SPECIAL_MINUS 0xF000
#define SHORT_NEGATIVE 0x2000
#define SHORT_SCALE_MASK 0x1F80
#define SHORT_SCALE_SHIFT 7
#define SHORT_WEIGHT_SIGN 0x0040
#define SHORT_WEIGHT_MASK 0x003F
#define LONG_SCALE_MASK WEIR_SCALE_MAX

static Places places_of(const WeirHeap *heap, WeirRef ref);

uint32
weir_digits_parse(Numeric numeric, WeirDigits *value)
{
	const uint16 *words = (const uint16 *) VARDATA(numeric);
	uint16 header = words[0];
	int header_size = header & KIND_SHORT ? 2 : 4;

	if ((header & KIND_MASK) == KIND_SPECIAL)
	{
		header &= SPECIAL_MASK;
		return header == SPECIAL_PLUS    ? WEIR_SPECIAL_PLUS
			   : header == SPECIAL_MINUS ? WEIR_SPECIAL_MINUS
										 : WEIR_SPECIAL_NAN;
	}
	if (header & KIND_SHORT)
	{
		value->weight = header & SHORT_WEIGHT_MASK;
		if (header & SHORT_WEIGHT_SIGN)
			value->weight -= SHORT_WEIGHT_MASK + 1;
		value->scale = (header & SHORT_SCALE_MASK) >> SHORT_SCALE_SHIFT;
		value->is_negative = (header & SHORT_NEGATIVE) != 0;
	}
	else
	{
		value->weight = (int16) words[1];
		value->scale = header & LONG_SCALE_MASK;
		value->is_negative = (header & KIND_MASK) == KIND_NEGATIVE;
	}
	value->count = ((int32) VARSIZE(numeric) - VARHDRSZ - header_size) / 2;
	value->digits = (const int16 *) words + header_size / 2;
	return 0;
}

/*
 * Adding
 */

bool
weir_places_reserve(WeirHeap *heap, WeirRef *ref, int32 low, int32 high)
{
	Places places = places_of(heap, *ref);
	uint32 len;
	char *bytes;
	bool is_done;

	if (places.count > 0)
	{
		if (likely(places.low <= low && high < places.low + places.count))
			return true;
		low = Min(low, places.low);
		high = Max(high, places.low + places.count - 1);
	}
	len = (uint32) (WEIR_BLOB_PAD + (high - low + 1) * sizeof(int64));
	bytes = palloc0(len);
	memcpy(bytes, &low, sizeof low);
	if (places.count > 0)
		memcpy(bytes + WEIR_BLOB_PAD + (places.low - low) * sizeof(int64), places.digits,
			   places.count * sizeof(int64));
	is_done = weir_heap_put(heap, ref, bytes, len);
	pfree(bytes);
	return is_done;
}

void
weir_places_add(const WeirHeap *heap, WeirRef ref, const WeirDigits *value)
{
	Places places = places_of(heap, ref);
	int64 *digit = places.digits + (value->weight - places.low);

	if (value->is_negative)
		for (int i = 0; i < value->count; i++)
			*digit-- -= value->digits[i];
	else
		for (int i = 0; i < value->count; i++)
			*digit-- += value->digits[i];
}

/* What is carried out of the highest place stays in it: an int64 holds it for 2^49 values. */
void
weir_places_add_square(const WeirHeap *heap, WeirRef ref, const WeirDigits *value)
{
	Places places = places_of(heap, ref);
	int last = value->count - 1;
	int32 at = 2 * (value->weight - last) - places.low;
	int64 carry = 0;

	for (int i = 0; i <= 2 * last || carry != 0; i++, at++)
	{
		for (int j = Max(0, i - last); j <= Min(i, last); j++)
			carry += (int64) value->digits[last - j] * value->digits[last - (i - j)];
		carry += places.digits[at];
		if (at == places.count - 1)
		{
			places.digits[at] = carry;
			break;
		}
		places.digits[at] = carry % WEIR_DECIMAL_BASE;
		carry /= WEIR_DECIMAL_BASE;
	}
}

void
weir_places_merge(WeirHeap *heap, WeirRef *ref, const WeirHeap *from, WeirRef other)
{
	Places more = places_of(from, other);
	Places places;

	if (more.count == 0)
		return;
	weir_places_reserve(heap, ref, more.low, more.low + more.count - 1);
	places = places_of(heap, *ref);
	for (int32 i = 0; i < more.count; i++)
		places.digits[more.low - places.low + i] += more.digits[i];
}

static Places
places_of(const WeirHeap *heap, WeirRef ref)
{
	WeirBlob *blob;
	Places places = {0};

	if (ref == 0)
		return places;
	blob = weir_heap_address(heap, ref);
	memcpy(&places.low, blob->data, sizeof(int32));
	places.count = (int32) ((blob->len - WEIR_BLOB_PAD) / sizeof(int64));
	places.digits = (int64 *) (blob->data + WEIR_BLOB_PAD);
	return places;
}

/*
 * As a decimal
 */

/* Carries. Result: what is left to carry; negative for a negative number, whose digits are then not
 * those of its magnitude. */
static int64
carry_all(const Places *places, int sign, int16 *digits, int32 count)
{
	int64 carry = 0;

	for (int32 i = 0; i < count; i++)
	{
		int64 digit;

		if (i < places->count)
			carry += sign * places->digits[i];
		digit = carry % WEIR_DECIMAL_BASE;
		carry /= WEIR_DECIMAL_BASE;
		if (digit < 0)
		{
			digit += WEIR_DECIMAL_BASE;
			carry--;
		}
		digits[count - 1 - i] = (int16) digit;
	}
	return carry;
}

WeirDecimal
weir_places_decimal(const WeirHeap *heap, WeirRef ref, int32 scale)
{
	Places places = places_of(heap, ref);
	WeirDecimal decimal = {.count = places.count + CARRY_PLACES, .scale = scale};

	decimal.weight = places.low + decimal.count - 1;
	decimal.memory = decimal.digits = palloc(decimal.count * sizeof(int16));
	if (carry_all(&places, 1, decimal.digits, decimal.count) < 0)
	{
		decimal.is_negative = true;
		carry_all(&places, -1, decimal.digits, decimal.count);
	}
	weir_decimal_strip(&decimal);
	return decimal;
}

void
weir_decimal_strip(WeirDecimal *decimal)
{
	while (decimal->count > 0 && decimal->digits[0] == 0)
	{
		decimal->digits++;
		decimal->count--;
		decimal->weight--;
	}
	while (decimal->count > 0 && decimal->digits[decimal->count - 1] == 0)
		decimal->count--;
	if (decimal->count == 0)
		decimal->weight = 0;
}

/*
 * Writing and reading
 */

void
weir_decimal_write(const WeirDecimal *decimal, StringInfo out)
{
	pq_sendint32(out, (uint32) decimal->count);
	pq_sendint32(out, (uint32) decimal->weight);
	pq_sendbyte(out, decimal->is_negative);
	for (int i = 0; i < decimal->count; i++)
		pq_sendint16(out, (uint16) decimal->digits[i]);
}

WeirDigits
weir_digits_read(StringInfo in)
{
	WeirDigits value = {.count = weir_take_int32(in)};
	int16 *digits;
	uint8 is_negative;

	value.weight = weir_take_int32(in);
	is_negative = weir_take_byte(in);
	if (value.count < 0 || value.count > PLACE_LIMIT || value.weight < -PLACE_LIMIT ||
		value.weight > PLACE_LIMIT || is_negative > 1 || value.count > (in->len - in->cursor) / 2)
		weir_refuse_bytes(NULL);
	value.is_negative = is_negative;
	value.digits = digits = palloc((value.count + 1) * sizeof(int16));
	for (int i = 0; i < value.count; i++)
	{
		digits[i] = weir_take_int16(in);
		if (digits[i] < 0 || digits[i] >= WEIR_DECIMAL_BASE)
			weir_refuse_bytes(NULL);
	}
	return value;
}

bool
weir_places_keep(WeirHeap *heap, WeirRef *ref, const WeirDigits *value)
{
	if (value->count == 0)
		return true;
	if (!weir_places_reserve(heap, ref, value->weight - value->count + 1, value->weight))
		return false;
	weir_places_add(heap, *ref, value);
	return true;
}

/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Byte order: htobe16() and friends, and the beNNdec() and leNNenc() family,
 * which takes addresses of any alignment.
 */

#ifndef _WQK_SYS_ENDIAN_H_
#define	_WQK_SYS_ENDIAN_H_

#include <sys/types.h>
#if __has_include(<endian.h>)
#include <endian.h>
#else
#include_next <sys/endian.h>
#endif

/* To and from network byte order; the C library may define these. */
#ifndef htonl
uint32_t htonl(uint32_t) __attribute__((__const__));
#endif
#ifndef htons
uint16_t htons(uint16_t) __attribute__((__const__));
#endif
#ifndef ntohl
uint32_t ntohl(uint32_t) __attribute__((__const__));
#endif
#ifndef ntohs
uint16_t ntohs(uint16_t) __attribute__((__const__));
#endif

#ifndef _LITTLE_ENDIAN
#define	_LITTLE_ENDIAN	1234
#define	_BIG_ENDIAN	4321
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define	_BYTE_ORDER	_BIG_ENDIAN
#else
#define	_BYTE_ORDER	_LITTLE_ENDIAN
#endif
#endif
#ifndef LITTLE_ENDIAN
#define	LITTLE_ENDIAN	_LITTLE_ENDIAN
#define	BIG_ENDIAN	_BIG_ENDIAN
#define	BYTE_ORDER	_BYTE_ORDER
#endif

#define	bswap16(x)	__builtin_bswap16(x)
#define	bswap32(x)	__builtin_bswap32(x)
#define	bswap64(x)	__builtin_bswap64(x)

/* Convert in place. */
#define	HTONL(x)	((x) = htonl((uint32_t)(x)))
#define	HTONS(x)	((x) = htons((uint16_t)(x)))
#define	NTOHL(x)	((x) = ntohl((uint32_t)(x)))
#define	NTOHS(x)	((x) = ntohs((uint16_t)(x)))
#define	HTOBE16(x)	((x) = htobe16((uint16_t)(x)))
#define	HTOBE32(x)	((x) = htobe32((uint32_t)(x)))
#define	HTOBE64(x)	((x) = htobe64((uint64_t)(x)))
#define	HTOLE16(x)	((x) = htole16((uint16_t)(x)))
#define	HTOLE32(x)	((x) = htole32((uint32_t)(x)))
#define	HTOLE64(x)	((x) = htole64((uint64_t)(x)))
#define	BE16TOH(x)	((x) = be16toh((uint16_t)(x)))
#define	BE32TOH(x)	((x) = be32toh((uint32_t)(x)))
#define	BE64TOH(x)	((x) = be64toh((uint64_t)(x)))
#define	LE16TOH(x)	((x) = le16toh((uint16_t)(x)))
#define	LE32TOH(x)	((x) = le32toh((uint32_t)(x)))
#define	LE64TOH(x)	((x) = le64toh((uint64_t)(x)))

#define	__WQK_ENDIAN(order, bits)					\
static __inline __unused uint##bits##_t					\
__wqk_##order##bits##dec(const void *p)					\
{									\
	uint##bits##_t v;						\
\
	__builtin_memcpy(&v, p, sizeof(v));				\
	return order##bits##toh(v);					\
}									\
static __inline __unused void						\
__wqk_##order##bits##enc(void *p, uint##bits##_t v)			\
{									\
\
	v = hto##order##bits(v);					\
	__builtin_memcpy(p, &v, sizeof(v));				\
}
__WQK_ENDIAN(be, 16)
__WQK_ENDIAN(be, 32)
__WQK_ENDIAN(be, 64)
__WQK_ENDIAN(le, 16)
__WQK_ENDIAN(le, 32)
__WQK_ENDIAN(le, 64)
#undef __WQK_ENDIAN

#define	be16dec	__wqk_be16dec
#define	be32dec	__wqk_be32dec
#define	be64dec	__wqk_be64dec
#define	le16dec	__wqk_le16dec
#define	le32dec	__wqk_le32dec
#define	le64dec	__wqk_le64dec
#define	be16enc	__wqk_be16enc
#define	be32enc	__wqk_be32enc
#define	be64enc	__wqk_be64enc
#define	le16enc	__wqk_le16enc
#define	le32enc	__wqk_le32enc
#define	le64enc	__wqk_le64enc

#endif	/* !_WQK_SYS_ENDIAN_H_ */

/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Tools that watch the memory accesses of a client.  These are valgrind's
 * helgrind and DRD, and also ThreadSanitizer and AddressSanitizer if the client
 * is compiled with them and the library is not.  They do not see or understand
 * how the library orders accesses, and would report races that do not exist.
 * So the library describes the order to them.
 *
 * A sanitizer is present if it defines the weak symbols below.  Valgrind's
 * tools answer a request that has no effect on a real processor.
 */

#include <stddef.h>
#include <stdint.h>

#include <host/host_var.h>

#ifdef __has_include
#if __has_include(<valgrind/helgrind.h>) && \
    __has_include(<valgrind/drd.h>) && __has_include(<valgrind/memcheck.h>)
#include <valgrind/drd.h>
#undef ANNOTATE_HAPPENS_BEFORE
#undef ANNOTATE_HAPPENS_AFTER
#undef ANNOTATE_NEW_MEMORY
#undef ANNOTATE_RWLOCK_CREATE
#undef ANNOTATE_RWLOCK_DESTROY
#undef ANNOTATE_RWLOCK_ACQUIRED
#undef ANNOTATE_RWLOCK_RELEASED
#include <valgrind/helgrind.h>
#include <valgrind/memcheck.h>
#define	HAVE_VALGRIND
#endif
#endif

unsigned host_watched __host_readmostly;
bool host_heapwatched __host_readmostly;

void	__tsan_acquire(void *) __attribute__((__weak__));
void	__tsan_release(void *) __attribute__((__weak__));
#if UINTPTR_MAX > UINT32_MAX
#define	TSAN_WRITE	__tsan_write8
#define	ASAN_STORE	__asan_store8
#else
#define	TSAN_WRITE	__tsan_write4
#define	ASAN_STORE	__asan_store4
#endif
void	TSAN_WRITE(void *) __attribute__((__weak__));
void	ASAN_STORE(uintptr_t) __attribute__((__weak__));
void	AnnotateIgnoreReadsBegin(const char *, int) __attribute__((__weak__));
void	AnnotateIgnoreReadsEnd(const char *, int) __attribute__((__weak__));

/* True if the library itself is instrumented. */
#if defined(__SANITIZE_ADDRESS__)
#define	ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define	ASAN
#endif
#endif
#ifdef ASAN
#define	INSTRUMENTED	true
#elif defined(HOST_TSAN)
#define	INSTRUMENTED	true
#else
#define	INSTRUMENTED	false
#endif

/*
 * Return true if the address sanitizer or memcheck is there.
 */
static bool
watch_heap(void)
{
#ifdef HAVE_VALGRIND
	unsigned char bits;

	if (VALGRIND_GET_VBITS(&host_watched, &bits, 1) == 1)
		return true;
#endif
#ifdef ASAN
	return true;
#else
	return ASAN_STORE != NULL;
#endif
}

void
host_watch_init(void)
{
#ifdef HAVE_VALGRIND
	unsigned char bits;
#endif

	host_heapwatched = watch_heap();
	if (INSTRUMENTED)
		return;
	if (__tsan_acquire != NULL && __tsan_release != NULL)
		host_watched |= HOST_WATCH_TSAN;
	if (ASAN_STORE != NULL)
		host_watched |= HOST_WATCH_ASAN;
#ifdef HAVE_VALGRIND
	if (RUNNING_ON_VALGRIND != 0) {
		if (VALGRIND_HG_GET_ABITS(&host_watched, &bits, 1) == 1)
			host_watched |= HOST_WATCH_HELGRIND;
		else if (DRD_GET_DRD_THREADID != 0)
			host_watched |= HOST_WATCH_DRD;
	}
#endif
}

void
host_happens_before(const void *p)
{
	void *addr = (void *)(uintptr_t)p;

	if ((host_watched & HOST_WATCH_TSAN) != 0)
		__tsan_release(addr);
#ifdef HAVE_VALGRIND
	if ((host_watched & HOST_WATCH_HELGRIND) != 0)
		DO_CREQ_v_W(_VG_USERREQ__HG_USERSO_SEND_PRE, void *, addr);
	if ((host_watched & HOST_WATCH_DRD) != 0)
		VALGRIND_DO_CLIENT_REQUEST_STMT(
		    VG_USERREQ__DRD_ANNOTATE_HAPPENS_BEFORE, addr, 0, 0, 0,
		    0);
#endif
}

void
host_happens_after(const void *p)
{
	void *addr = (void *)(uintptr_t)p;

	if ((host_watched & HOST_WATCH_TSAN) != 0)
		__tsan_acquire(addr);
#ifdef HAVE_VALGRIND
	if ((host_watched & HOST_WATCH_HELGRIND) != 0)
		DO_CREQ_v_W(_VG_USERREQ__HG_USERSO_RECV_POST, void *, addr);
	if ((host_watched & HOST_WATCH_DRD) != 0)
		VALGRIND_DO_CLIENT_REQUEST_STMT(
		    VG_USERREQ__DRD_ANNOTATE_HAPPENS_AFTER, addr, 0, 0, 0, 0);
#endif
}

void
host_racy_begin(void)
{

	if (AnnotateIgnoreReadsBegin != NULL)
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
}

void
host_racy_end(void)
{

	if (AnnotateIgnoreReadsEnd != NULL)
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

void
host_unwatched(void *p, size_t size)
{

#ifdef HAVE_VALGRIND
	if ((host_watched & HOST_WATCH_HELGRIND) != 0)
		VALGRIND_HG_DISABLE_CHECKING(p, size);
	if ((host_watched & HOST_WATCH_DRD) != 0)
		VALGRIND_DO_CLIENT_REQUEST_STMT(
		    VG_USERREQ__DRD_START_SUPPRESSION, p, size, 0, 0, 0);
#else
	(void)p;
	(void)size;
#endif
}

void
host_check_item(const void *p)
{

	if ((host_watched & HOST_WATCH_ASAN) != 0)
		ASAN_STORE((uintptr_t)p);
}

void
host_access_item(const void *p)
{

	host_check_item(p);
	if ((host_watched & HOST_WATCH_TSAN) != 0 && TSAN_WRITE != NULL)
		TSAN_WRITE((void *)(uintptr_t)p);
}

bool
host_written(const void *p, size_t size)
{
#ifdef HAVE_VALGRIND
	unsigned char bits;
	size_t i;

	/* A set bit means that a bit of the byte is uninitialised. */
	for (i = 0; i < size; i++)
		if (VALGRIND_GET_VBITS((const char *)p + i, &bits, 1) == 1 &&
		    bits != 0)
			return false;
#else
	(void)p;
	(void)size;
#endif
	return true;
}

/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The kernel's printf, log, snprintf, snprintb, aprint: what they write, and
 * from what contexts.
 */

#include "../../tests.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>

static int	libc_snprintf(char *, size_t, const char *, ...)
		    __attribute__((__format__(__printf__, 3, 4)));

static int
libc_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

/* From here on, printf() and similar names are the kernel's. */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/device.h>
#include <sys/syslog.h>

/* Compare with the C library's result, in buffers of several sizes. */
#define	PT_SAME(...) do {						\
	static const size_t sizes_[] = { 0, 1, 2, 5, 128 };		\
	for (size_t i_ = 0; i_ < TEST_NELEM(sizes_); i_++) {		\
		char want_[128] = "zzzzzz", is_[128] = "zzzzzz";	\
		int m_, n_;						\
		m_ = libc_snprintf(want_, sizes_[i_], __VA_ARGS__);	\
		n_ = snprintf(is_, sizes_[i_], __VA_ARGS__);		\
		ATF_REQUIRE_MSG(m_ == n_ && strcmp(want_, is_) == 0,	\
		    "%s: \"%s\" %d, must be \"%s\" %d", #__VA_ARGS__,	\
		    is_, n_, want_, m_);				\
	}								\
} while (0)

TEST_TC(formats, "formats print what the C library's print")
{
	static const int ints[] = { 0, 1, -1, 7, 42, -42, 123456, INT_MAX,
	    INT_MIN };
	volatile int star = 7, neg = -7;
	int d;

	PT_SAME("%s", "");
	PT_SAME("plain %% text");
	PT_SAME("%s|%5s|%-5s|%.2s|%5.1s|%-8.3s|", "abc", "abc", "abc", "abc",
	    "abc", "abcdef");
	PT_SAME("%c|%3c|%-3c|", 'a', 'b', 'c');
	PT_SAME("%*d|%-*d|%*d|%.*d|", star, 5, star, 5, neg, 5, star, 5);
	for (size_t i = 0; i < TEST_NELEM(ints); i++) {
		d = ints[i];
		PT_SAME("%d|%i|%u|%x|%X|%o", d, d, d, d, d, d);
		PT_SAME("%8d|%-8d|%08d|%+d|% d|%8.4d|%-8.4d|%.0d|", d, d, d,
		    d, d, d, d, d);
		PT_SAME("%#x|%#X|%#o|%#10x|%-#10x|%#010x|%10.6x|%.12u|", d, d,
		    d, d, d, d, d, d);
		PT_SAME("%hhd|%hd|%hhu|%hu|%hhx|%hx", (signed char)d,
		    (short)d, (unsigned char)d, (unsigned short)d,
		    (unsigned char)d, (unsigned short)d);
	}
	PT_SAME("%ld|%lu|%lx|%#lo", LONG_MIN, ULONG_MAX, ULONG_MAX, ULONG_MAX);
	PT_SAME("%lld|%llu|%llx", LLONG_MIN, ULLONG_MAX, ULLONG_MAX);
	PT_SAME("%jd|%ju|%zd|%zu|%td", INTMAX_MIN, UINTMAX_MAX, (ssize_t)-1,
	    SIZE_MAX, (ptrdiff_t)-5);
	PT_SAME("%20jd|%-20jd|%020jd|%+.20jd|", INTMAX_MAX, INTMAX_MAX,
	    INTMAX_MIN, INTMAX_MAX);
	PT_SAME("%p", (void *)ints);
	PT_SAME("%" PRId64 " %" PRIx32 " %" PRIuMAX, INT64_MIN, UINT32_MAX,
	    UINTMAX_MAX);
}

/* Called through a pointer, because no compiler knows these formats. */
static int (*pt_snprintf)(char *, size_t, const char *, ...) = snprintf;

static void
pt_bits(const char *want, unsigned v, const char *names)
{
	char buf[128];

	TEST_EQ((int)strlen(want),
	    (*pt_snprintf)(buf, sizeof(buf), "%b", v, names));
	ATF_REQUIRE_STREQ(want, buf);
}

static const char *volatile pt_none;

TEST_TC(bits, "%b prints bits, and an invalid format prints itself")
{
	char buf[128];

	pt_bits("3<ONE,TWO>", 3, "\12\1ONE\2TWO");
	pt_bits("a<B1,B3>", 10, "\20\1B0\2B1\3B2\4B3");
	pt_bits("17<B0,B1,B2,B3>", 017, "\10\1B0\2B1\3B2\4B3");
	pt_bits("0", 0, "\20\1B0");
	pt_bits("10", 16, "\20\1B0");
	pt_bits("80000000<TOP>", 0x80000000, "\20\40TOP");
	(*pt_snprintf)(buf, sizeof(buf), "[%b] %d", 1, "\20\1X", 5);
	ATF_REQUIRE_STREQ("[1<X>] 5", buf);
	(*pt_snprintf)(buf, sizeof(buf), "%lb", 1UL << 31, "\20\40T");
	ATF_REQUIRE_STREQ("80000000<T>", buf);
	(*pt_snprintf)(buf, sizeof(buf), "%s", pt_none);
	ATF_REQUIRE_STREQ("(null)", buf);
	(*pt_snprintf)(buf, sizeof(buf), "%p", NULL);
	ATF_REQUIRE_STREQ("0x0", buf);
	(*pt_snprintf)(buf, sizeof(buf), "end %");
	ATF_REQUIRE_STREQ("end ", buf);
}

static void
pt_snprintb(const char *want, const char *fmt, uint64_t v)
{
	char buf[128], small[4];

	TEST_EQ((int)strlen(want), snprintb(buf, sizeof(buf), fmt, v));
	ATF_REQUIRE_STREQ(want, buf);
	TEST_EQ((int)strlen(want), snprintb(small, sizeof(small), fmt, v));
	TEST_EQ(0, strncmp(small, want, 3));
	TEST_EQ(MIN(3, strlen(want)), strlen(small));
	TEST_EQ((int)strlen(want), snprintb(NULL, 0, fmt, v));
}

TEST_TC(numbers_by_name, "snprintb prints the old and the new format")
{

	pt_snprintb("03<BITTWO,BITONE>", "\10\2BITTWO\1BITONE", 3);
	pt_snprintb("0xee00<NOTBOOT,FPP,SDVMA,VIDEO,LORES,FPA>",
	    "\20\x10NOTBOOT\x0f" "FPP\x0eSDVMA\x0cVIDEO"
	    "\x0bLORES\x0a" "FPA\x09" "DIAG", 0xee00);
	pt_snprintb("0", "\20\1A", 0);
	pt_snprintb("0x2", "\20\1A", 2);
	pt_snprintb("0x800f<BURST=0xf,STEP>",
	    "\177\020f\0\4BURST\0b\x0fSTEP\0", 0x800f);
	pt_snprintb("0x21<LSB,BIT5>", "\177\020b\0LSB\0b\5BIT5\0b\6BIT6\0",
	    0x21);
	pt_snprintb("0x31<MODE=0x3=fast>",
	    "\177\020f\4\4MODE\0=\3fast\0=\1slow\0", 0x31);
	pt_snprintb("0x1<zero,ONE>", "\177\020F\4\4MODE\0:\0zero\0=\3three\0"
	    "b\0ONE\0", 1);
	pt_snprintb("0x70<other>", "\177\020F\4\4MODE\0:\0zero\0:\3three\0"
	    "*other\0", 0x70);
	pt_snprintb("0x70<7?>", "\177\020F\4\4MODE\0:\0zero\0*%jx?\0", 0x70);
}

/*
 * Capture what a function writes to a descriptor, one write(2) per record.
 */
struct pt_capture {
	int	c_n;			/* records */
	size_t	c_len;
	char	c_rec[16][2048];
	char	c_all[16384];
};

static struct pt_capture cap;

static void
pt_capture(int fd, void (*func)(void))
{
	ssize_t n;
	int save, sv[2];

	memset(&cap, 0, sizeof(cap));
	fflush(NULL);
	ATF_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
	save = dup(fd);
	dup2(sv[1], fd);
	close(sv[1]);
	(*func)();
	dup2(save, fd);
	close(save);
	while ((n = read(sv[0], cap.c_rec[cap.c_n],
	    sizeof(cap.c_rec[0]) - 1)) > 0) {
		memcpy(cap.c_all + cap.c_len, cap.c_rec[cap.c_n], (size_t)n);
		cap.c_len += (size_t)n;
		if (++cap.c_n == (int)TEST_NELEM(cap.c_rec))
			break;
	}
	close(sv[0]);
}

static void	say_v(const char *, ...) __printflike(1, 2);

static void
say_v(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

static void
say_out(void)
{

	errno = 99;
	printf("one %d\n", 1);
	say_v("two %d\n", 2);
	printf("three ");
	printf("%s", "");
	printf_nolog("four\n");
	uprintf("five\n");
	log(LOG_ERR, "not here\n");
	TEST_EQ(99, errno);
}

static void
say_err(void)
{

	errno = 99;
	log(LOG_ERR, "bad %d\n", 5);
	log(LOG_KERN | LOG_DEBUG, "begun, ");
	addlog("and ended\n");
	printf_tolog("for the log\n");
	printf("not here\n");
	TEST_EQ(99, errno);
}

TEST_TC(console, "printf goes to standard output, log to standard error")
{

	pt_capture(STDOUT_FILENO, say_out);
	ATF_REQUIRE_STREQ("one 1\ntwo 2\nthree four\nfive\n", cap.c_all);
	TEST_EQ(5, cap.c_n);
	pt_capture(STDERR_FILENO, say_err);
	ATF_REQUIRE_STREQ("<3>bad 5\n<7>begun, and ended\nfor the log\n",
	    cap.c_all);
	TEST_EQ(4, cap.c_n);
}

static char longtext[3001];

static void
say_long(void)
{

	printf("[%s]\n", longtext);
}

TEST_TC(longlines, "a long text is written completely")
{
	size_t i;

	for (i = 0; i < sizeof(longtext) - 1; i++)
		longtext[i] = (char)('a' + i % 26);
	pt_capture(STDOUT_FILENO, say_long);
	TEST_EQ(sizeof(longtext) + 2, cap.c_len);
	TEST_EQ('[', cap.c_all[0]);
	TEST_EQ(0, memcmp(cap.c_all + 1, longtext, sizeof(longtext) - 1));
	ATF_REQUIRE_STREQ("]\n", cap.c_all + sizeof(longtext));
}

/*
 * Devices.
 */
static struct device dev = { .dv_xname = "foo0", .dv_name = "foo" };

static void
say_dev(void)
{

	aprint_normal(": a device\n");
	aprint_naive(": a thing\n");
	aprint_normal_dev(&dev, "%d channels\n", 4);
	aprint_verbose_dev(&dev, "revision %c\n", 'B');
	aprint_debug_dev(&dev, "register %#x\n", 0x10);
	aprint_error_dev(&dev, "no %s\n", "interrupt");
	aprint_error("lost\n");
	device_printf(&dev, "reset\n");
}

TEST_TC(devices, "aprint and device_printf print the device's name")
{

	test_env("WORKQUEUE_VERBOSE", NULL);
	pt_capture(STDOUT_FILENO, say_dev);
	ATF_REQUIRE_STREQ(": a device\nfoo0: 4 channels\nfoo0: no interrupt\n"
	    "lost\nfoo0: reset\n", cap.c_all);
	TEST_EQ(5, cap.c_n);
	TEST_EQ(2, aprint_get_error_count());
	TEST_EQ(0, aprint_get_error_count());
}

TEST_TC(verbose, "WORKQUEUE_VERBOSE=1 shows verbose messages")
{

	test_env("WORKQUEUE_VERBOSE", "1");
	pt_capture(STDOUT_FILENO, say_dev);
	ATF_REQUIRE_STREQ(": a device\nfoo0: 4 channels\nfoo0: revision B\n"
	    "foo0: no interrupt\nlost\nfoo0: reset\n", cap.c_all);
}

TEST_TC(debug, "WORKQUEUE_VERBOSE=debug shows all messages")
{

	test_env("WORKQUEUE_VERBOSE", "debug");
	pt_capture(STDOUT_FILENO, say_dev);
	ATF_REQUIRE_STREQ(": a device\nfoo0: 4 channels\nfoo0: revision B\n"
	    "foo0: register 0x10\nfoo0: no interrupt\nlost\nfoo0: reset\n",
	    cap.c_all);
}

static void
say_hex(void)
{
	char data[20];
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)('A' + i);
	data[3] = '\0';
	hexdump(printf, NULL, data, sizeof(data));
}

TEST_TC(hex, "hexdump")
{

	pt_capture(STDOUT_FILENO, say_hex);
	ATF_REQUIRE_STREQ(
	    "000  41 42 43 00 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50"
	    "  |ABC.EFGHIJKLMNOP|\n"
	    "010  51 52 53 54                                    "
	    "  |QRST|\n", cap.c_all);
}

/*
 * Lines of several threads, and of a handler that interrupts malloc, stdio, and
 * the library's printf.
 */
#define	PT_THREADS	4
#define	PT_LINES	TEST_SCALE(2000)

static atomic_int pt_signals;

static void
pt_handler(int sig)
{
	char buf[64];

	(void)sig;
	snprintf(buf, sizeof(buf), "%04d", atomic_load(&pt_signals));
	printf("handler %s .\n", buf);
	log(LOG_INFO, "handler %d\n", 1);
	atomic_fetch_add(&pt_signals, 1);
}

static void *
pt_printer(void *arg)
{
	FILE *fp;
	int i;

	fp = fopen("/dev/null", "w");
	for (i = 0; i < PT_LINES || atomic_load(&pt_signals) < 20; i++) {
		free(malloc((size_t)(i % 5000) + 1));
		fprintf(fp, "%d %f\n", i, i / 3.0);
		printf("thread %d line %d .\n", *(int *)arg, i);
	}
	fclose(fp);
	return NULL;
}

static int pt_readfd;

static void *
pt_reader(void *arg)
{
	char buf[256];
	ssize_t n;
	int *badp = arg;

	while ((n = read(pt_readfd, buf, sizeof(buf))) > 0) {
		if (n < 3 || memcmp(buf + n - 3, " .\n", 3) != 0 ||
		    (buf[0] != 't' && buf[0] != 'h') ||
		    memchr(buf, '\n', (size_t)n) != buf + n - 1)
			(*badp)++;
	}
	return NULL;
}

TEST_TC(storm, "lines stay whole; a handler may print anywhere")
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } }, off;
	struct sigaction sa;
	pthread_t reader, t[PT_THREADS];
	sigset_t set;
	int bad, i, nul, save, save2, sv[2], which[PT_THREADS];

	ATF_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == 0);
	fflush(NULL);
	nul = open("/dev/null", O_WRONLY);
	save = dup(STDOUT_FILENO);
	save2 = dup(STDERR_FILENO);
	dup2(sv[1], STDOUT_FILENO);
	dup2(nul, STDERR_FILENO);
	close(sv[1]);
	pt_readfd = sv[0];
	bad = 0;
	/*
	 * Block the signal: a handler on the reader would wait for its own
	 * thread to read.
	 */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	reader = test_thread(pt_reader, &bad);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = pt_handler;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	for (i = 0; i < PT_THREADS; i++) {
		which[i] = i;
		t[i] = test_thread(pt_printer, &which[i]);
	}
	for (i = 0; i < PT_THREADS; i++)
		test_join(t[i]);
	memset(&off, 0, sizeof(off));
	setitimer(ITIMER_REAL, &off, NULL);
	signal(SIGALRM, SIG_IGN);

	dup2(save, STDOUT_FILENO);
	dup2(save2, STDERR_FILENO);
	test_join(reader);
	TEST_EQ(0, bad);
	ATF_REQUIRE(atomic_load(&pt_signals) >= 20);
}

static void
say_closed(void)
{

	close(STDOUT_FILENO);
	errno = 99;
	printf("nobody hears\n");
	_exit(errno == 99 ? 0 : 1);
}

TEST_TC(closed, "without standard output printing does nothing")
{

	test_lives(say_closed);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, formats);
	ATF_TP_ADD_TC(tp, bits);
	ATF_TP_ADD_TC(tp, numbers_by_name);
	ATF_TP_ADD_TC(tp, console);
	ATF_TP_ADD_TC(tp, longlines);
	ATF_TP_ADD_TC(tp, devices);
	ATF_TP_ADD_TC(tp, verbose);
	ATF_TP_ADD_TC(tp, debug);
	ATF_TP_ADD_TC(tp, hex);
	ATF_TP_ADD_TC(tp, storm);
	ATF_TP_ADD_TC(tp, closed);
	return atf_no_error();
}

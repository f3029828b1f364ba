#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The headers of the Linux face.

PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

COMPILE="$CC -std=c11 -Wall -Wextra -Werror -c t.c \
    $($PC --cflags workqueue-linux workqueue)"

atf_test_case alone
alone_head() {
	atf_set descr "each header stands alone, twice, for gcc and clang"
}
alone_body() {
	local h cc std

	for h in "$STAGE"/include/workqueue-linux/linux/*.h; do
		h=linux/${h##*/}
		printf '#include <%s>\n#include <%s>\nint x;\n' $h $h > t.c
		for cc in gcc clang; do
			command -v $cc >/dev/null || continue
			for std in c11 gnu11 gnu17; do
				atf_check $cc -std=$std -Wall -Wextra \
				    -Werror $($PC --cflags workqueue-linux) \
				    -c t.c
			done
		done
	done
}

atf_test_case faces
faces_head() {
	atf_set descr "two faces in one source are refused, by a word that \
says so"
}
faces_body() {
	local a b

	a=linux/workqueue.h
	b=sys/workqueue.h
	printf '#include <%s>\n#include <%s>\n' $a $b > t.c
	atf_check -s not-exit:0 -e match:'WQ_PERCPU means two things' $COMPILE
	printf '#include <%s>\n#include <%s>\n' $b $a > t.c
	atf_check -s not-exit:0 -e match:'WQ_PERCPU means two things' $COMPILE
	for a in linux/kthread.h linux/workqueue.h; do
		printf '#include <%s>\nint WQ_MPSAFE, struct_work;\n' $a > t.c
		atf_check $COMPILE
	done
	a=linux/kthread.h
	b=sys/kthread.h
	printf '#include <%s>\n#include <%s>\n' $a $b > t.c
	atf_check -s not-exit:0 -e match:'two things' \
	    $COMPILE -I"$STAGE/include/workqueue-kernel"
}

atf_test_case cxx
cxx_head() {
	atf_set descr "C++ is refused, by a word that says so"
	atf_set require.progs "${CXX%% *}"
}
cxx_body() {
	local h

	for h in workqueue kthread; do
		echo "#include <linux/$h.h>" > t.cc
		atf_check -s not-exit:0 \
		    -e match:"<linux/$h.h> is for C11 only" \
		    ${CXX} -fsyntax-only $($PC --cflags workqueue-linux) t.cc
	done
}

atf_test_case exports
exports_head() {
	atf_set descr "everything exported is lwq_ and declared"
}
exports_body() {
	for h in "$STAGE"/include/workqueue-linux/linux/*.h; do
		echo "#include <linux/${h##*/}>"
	done > t.c
	atf_check -o save:all.i ${CC} -E -P \
	    $($PC --cflags workqueue-linux) t.c
	grep -oE '\<lwq_[a-z0-9_]+ *\(' all.i | tr -d ' (' |
	    grep -vE '^lwq_prepare_work' | sort -u > want
	nm -D --defined-only "$STAGE/lib/libworkqueue_linux.so.0" |
	    awk '$2 != "A" { print $3 }' > symbols
	grep -v '@@LIBWORKQUEUE_LINUX_0$' symbols |
	    grep -vE '^(__asan|__odr_asan|__tsan|__ubsan)' &&
	    atf_fail "exported without a version"
	sed -n 's/@@LIBWORKQUEUE_LINUX_0$//p' symbols | sort -u > got
	atf_check diff -u want got
}

atf_test_case types
types_head() {
	atf_set descr "a function of the wrong dialect is a compile error"
}
types_body() {
	cat > t.c <<'EOC'
#include <linux/workqueue.h>
static void old(void *data) { (void)data; }
static void new(struct work_struct *w) { (void)w; }
struct work_struct w;
void f(void);
void f(void) { INIT_WORK(&w, FUNC); }
EOC
	atf_check $COMPILE -DFUNC='old, 0' -Wno-unused-function
	atf_check $COMPILE -DFUNC=new -Wno-unused-function
	sed -i -e '/^static void old/d' \
	    -e 's/INIT_WORK.*FUNC/INIT_WORK(\&w, new, 0/' t.c
	atf_check -s not-exit:0 -e ignore $COMPILE
}

atf_init_test_cases() {
	atf_add_test_case alone
	atf_add_test_case faces
	atf_add_test_case cxx
	atf_add_test_case exports
	atf_add_test_case types
}

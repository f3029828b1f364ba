#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# Builds as packagers make them: flags, directories, modes, tarballs.

# bmake for a user who has set nothing.
MAKE="env -u CFLAGS -u CXXFLAGS -u CPPFLAGS -u LDFLAGS -u WERROR -u DESTDIR
    bmake HOST=$HOST SAN=$SAN CC=${CC%% *}"

# Build or install into directories of this test.  Arguments: directory below
# lib or nothing, further arguments.
in_lib() {
	local dir="$1"

	shift
	atf_check -o save:out -e save:err env -C "$TOP/lib/$dir" $MAKE \
	    OBJROOT="$PWD/obj" "$@"
}

built() {
	echo "$PWD"/obj/*/lib/libworkqueue/libworkqueue.so.0.1
}

# Check what every build of the library must have.
check_lib() {
	atf_check -o save:dyn readelf -dW "$1"
	grep -q 'SONAME.*\[libworkqueue\.so\.0\]' dyn || atf_fail "no soname"
	grep -q NODELETE dyn || atf_fail "the library can be unmapped"
	grep -q TEXTREL dyn && atf_fail "not position independent"
	nm -D --defined-only "$1" |
	    grep -q ' workqueue_create@@LIBWORKQUEUE_0' ||
	    atf_fail "no symbol versions"
	nm -D --defined-only "$1" | grep -q ' cpu_infos' &&
	    atf_fail "names of the inside are exported"
	return 0
}

atf_test_case flags
flags_head() {
	atf_set descr "flags of the command line add to what the build needs"
	atf_set timeout 600
}
flags_body() {
	local lto=

	# Some distributions compile with -flto.  Linking with clang and -flto
	# needs a plug-in, which may be absent.
	case $CC in
	*clang*)	;;
	*)		lto=-flto ;;
	esac
	in_lib libworkqueue V=1 CFLAGS="-O1 $lto -DFROM_CFLAGS" \
	    CPPFLAGS=-DFROM_CPPFLAGS LDFLAGS="-Wl,-z,now"
	grep -q -e '-fPIC.*-DFROM_CFLAGS.*-DFROM_CPPFLAGS' out ||
	    atf_fail "the flags are not those of each compilation"
	grep 'kern_mutex\.c' out | grep -q -e '-std=c11.*-O2 -g.*-O1' ||
	    atf_fail "the user's optimisation does not come last"
	check_lib "$(built)"
	atf_check -o not-match:'\.gnu\.lto' \
	    readelf -SW obj/*/lib/libworkqueue/libworkqueue.a
	grep -qE 'BIND_NOW|FLAGS_1.*NOW' dyn || atf_fail "LDFLAGS is lost"
}

atf_test_case environment
environment_head() {
	atf_set descr "flags of the environment add to what the build needs"
	atf_set timeout 600
}
environment_body() {
	atf_check -o save:out -e ignore env -C "$TOP/lib/libworkqueue" $MAKE \
	    OBJROOT="$PWD/obj" -n V=1
	grep -q -e '-Werror' out && atf_fail "a warning stops a user's build"
	atf_check -o save:out -e ignore env -C "$TOP/lib/libworkqueue" \
	    CFLAGS="-O1 -DFROM_CFLAGS" CPPFLAGS=-DFROM_CPPFLAGS \
	    LDFLAGS="-Wl,-z,now" WERROR=-Werror \
	    bmake HOST=$HOST SAN=$SAN CC="${CC%% *}" OBJROOT="$PWD/obj" -n V=1
	grep 'kern_mutex\.c' out |
	    grep -e '-Werror.*-O2 -g.*-fPIC.*-O1 -DFROM_CFLAGS' |
	    grep -q -e -DFROM_CPPFLAGS || atf_fail "a flag is lost"
	grep -e -shared out | grep -e '-soname' | grep -q -e '-z,now' ||
	    atf_fail "LDFLAGS is lost"
}

atf_test_case tools
tools_head() {
	atf_set descr "the build uses the user's CC, AR, LD, OBJCOPY," \
	    "PKG_CONFIG"
}
tools_body() {
	atf_check -o save:out -e ignore env -C "$TOP/lib/libworkqueue" $MAKE \
	    OBJROOT="$PWD/obj" -n V=1 CC=my-cc AR=my-ar LD=my-ld \
	    OBJCOPY=my-objcopy
	for t in my-cc my-ar my-ld my-objcopy; do
		grep -q "$t " out || atf_fail "$t is not used"
	done
	atf_check -o save:out -e ignore env -C "$TOP/lib/libworkqueue" \
	    AR=my-ar LD=my-ld OBJCOPY=my-objcopy \
	    $MAKE OBJROOT="$PWD/obj" -n V=1
	for t in my-ar my-ld my-objcopy; do
		grep -q "$t " out || atf_fail "$t of the environment is not"
	done
	# This directory asks for flags.
	mkdir -p obj/linux-cc/lib/libworkqueue
	: > obj/linux-cc/lib/libworkqueue/libworkqueue.so.0
	atf_check -o match:"my-pkg-config " -e ignore \
	    env -C "$TOP/lib/libworkqueue_iv" PKG_CONFIG=my-pkg-config \
	    $MAKE OBJROOT="$PWD/obj" CC=cc HOST=linux SAN= -n V=1
}

# Make a source tree as in a tarball: no git, nothing built.
tree() {
	mkdir -p "$1"
	(cd "$TOP" && tar -cf - --exclude=./obj --exclude=./.git .) |
	    tar -xf - -C "$1"
}

atf_test_case reproducible
reproducible_head() {
	atf_set descr "two builds in two directories are identical"
	atf_set timeout 600
}
reproducible_body() {
	local f

	[ -z "$SAN" ] || atf_skip "a sanitizer tells the names of sources"
	tree one
	tree other/place
	for d in one other/place; do
		atf_check -o ignore -e ignore env -C "$PWD/$d/lib" \
		    TZ="UTC+${#d}" $MAKE CFLAGS=-O0 all
	done
	(cd one/obj && find . -name '*.a' -o -name '*.so.*') > list
	[ -s list ] || atf_fail "nothing was built"
	while read -r f; do
		cmp "one/obj/$f" "other/place/obj/$f" || touch differ
		grep -qF "$PWD" "one/obj/$f" && echo "$f names its place" &&
		    touch differ
	done < list
	[ ! -f differ ] || atf_fail "the place of the build is in it"
}

atf_test_case directories
directories_head() {
	atf_set descr "each directory can be set, and DESTDIR is prepended"
	atf_set timeout 600
}
directories_body() {
	local pc="$PWD/d/pc"

	# Root can write anywhere, so check what was written, too.
	(umask 077 && atf_check -o ignore -e ignore env -C "$TOP" $MAKE \
	    install DESTDIR="$PWD/d" PREFIX=/p LIBDIR=/l/x PKGCONFIGDIR=/pc \
	    INCSDIR=/i MANDIR=/m HTMLDIR=/h EXAMPLESDIR=/e BINDIR=/b \
	    DATADIR=/t GDBDIR=/g HOMEPAGE='https://example.org/?a,b')
	for f in l/x/libworkqueue.so.0.1 l/x/libworkqueue_linux.a \
	    pc/workqueue.pc pc/workqueue-kernel.pc pc/workqueue-linux.pc \
	    i/workqueue/sys/workqueue.h i/workqueue-kernel/sys/param.h \
	    i/workqueue-linux/linux/workqueue.h m/man9/workqueue.9 \
	    h/index.html h/style.css e/workqueue/pcksum.c \
	    t/bpftrace/wqslow.bt g/l/x/libworkqueue.so.0.1-gdb.py; do
		[ -f "d/$f" ] || atf_fail "no /$f"
	done
	[ ! -e d/p ] || atf_fail "something is still below PREFIX"
	atf_check -o match:'-I/i/workqueue' -o match:'-L/l/x' \
	    env PKG_CONFIG_PATH="$pc" pkg-config --cflags --libs workqueue
	for f in workqueue workqueue-kernel workqueue-linux; do
		atf_check -o ignore grep -Fx 'URL: https://example.org/?a,b' \
		    d/pc/$f.pc
		grep '^URL' "$STAGE/lib/pkgconfig/$f.pc" &&
		    atf_fail "a URL that nobody has set"
	done
	# Modes do not depend on umask.
	find d -mindepth 1 -type d ! -perm 755 > hits
	find d -type f ! -perm 644 ! -path 'd/b/*' >> hits
	find d/b -type f ! -perm 755 >> hits
	atf_check cat hits
	# Uninstalling removes everything except foreign files.
	touch d/l/x/other.so d/i/workqueue/mine.h
	atf_check -o match:'uninstall from' -e ignore env -C "$TOP" $MAKE \
	    uninstall DESTDIR="$PWD/d" PREFIX=/p LIBDIR=/l/x \
	    PKGCONFIGDIR=/pc INCSDIR=/i MANDIR=/m HTMLDIR=/h EXAMPLESDIR=/e \
	    BINDIR=/b DATADIR=/t GDBDIR=/g
	find d ! -type d | sort > hits
	atf_check -o inline:'d/i/workqueue/mine.h\nd/l/x/other.so\n' cat hits
	[ ! -d d/e/workqueue ] || atf_fail "an empty directory is left"
}

atf_test_case parallel
parallel_head() {
	atf_set descr "with -j, the stage is complete before the installation"
	atf_set timeout 600
}
parallel_body() {
	printf '#!/bin/sh\necho "$*" >> "%s"\nexec install "$@"\n' \
	    "$PWD/log" > inst
	chmod +x inst
	atf_check -o ignore -e ignore env -C "$TOP" $MAKE -j2 install stage \
	    PREFIX="$PWD/p" INSTALL="$PWD/inst"
	grep -q "$STAGE/lib" log || atf_fail "no stage"
	sed -n "\\,$PWD/p/,,\$p" log > late
	atf_check test -s late
	grep "$STAGE/" late && atf_fail "both install at once"
	return 0
}

atf_test_case tests
tests_head() {
	atf_set descr "installed tests run where they are installed"
	atf_set timeout 600
}
tests_body() {
	atf_check -o ignore -e ignore env -C "$TOP" $MAKE install \
	    install-tests PREFIX="$PWD/p"
	cd p/tests/libworkqueue || atf_fail "no tests"
	atf_check -o match:"$PWD|ORIGIN" readelf -dW sys/kern/once_test
	# The tests use the library beside them, not the library in obj/.
	atf_check -o match:"=> .*/p/.*lib/libworkqueue" ldd sys/kern/once_test
	atf_check -o match:'passed' -o not-match:'failed:' -e ignore \
	    kyua --logfile=log test --results-file=db sys/kern/once_test
	grep -v "name='.*_test'\|^include\|^syntax\|^test_suite\|^--\|^$" \
	    sys/kern/Kyuafile && atf_fail "odd lines"
	return 0
}

atf_test_case dist
dist_head() {
	atf_set descr "the tarball is complete and reproducible"
	atf_set require.progs git
}
dist_body() {
	local t

	[ -e "$TOP/.git" ] || atf_skip "not a git tree"
	t=libworkqueue-0.1
	HOME=$PWD
	export HOME
	git config --global --add safe.directory '*'
	mkdir a b
	atf_check -o ignore env -C "$TOP" $MAKE dist OBJROOT="$PWD/a"
	(umask 077
	atf_check -o ignore env -C "$TOP" TZ=UTC+3 $MAKE dist \
	    OBJROOT="$PWD/b")
	cmp a/*/$t.tar.gz b/*/$t.tar.gz || atf_fail "two tarballs differ"
	tar -tzf a/*/$t.tar.gz > list
	for f in Makefile README build.sh lib/libworkqueue/workqueue.map; do
		grep -qx "$t/$f" list || atf_fail "no $f"
	done
	grep -v "^$t/" list && atf_fail "outside of its directory"
	return 0
}

atf_test_case gnumake
gnumake_head() {
	atf_set descr "GNU make hands over to bmake, with -j, in each directory"
	atf_set require.progs make
}
gnumake_body() {
	local d gmake up

	# The pkgsrc package is for pkgsrc's own make.
	(cd "$TOP" && find . -path ./obj -prune -o \
	    -path ./share/pkgsrc -prune -o -name Makefile -print) |
	    while read -r d; do
		d=${d%/Makefile}
		[ -f "$TOP/$d/GNUmakefile" ] || echo "$d has no GNUmakefile"
	done > hits
	atf_check cat hits
	mkdir bin
	printf '#!/bin/sh\necho "$PWD:" "$@"\n' > bin/bmake
	chmod +x bin/bmake
	gmake="env -u MAKEFLAGS PATH=$PWD/bin:$PATH make --no-print-directory"
	atf_check -o inline:"$TOP: all\n" $gmake -C "$TOP"
	atf_check -o inline:"$TOP/lib: -j3 X=1 install\n" \
	    $gmake -C "$TOP/lib" -j3 install X=1
	atf_check -o inline:"$TOP/tests/sys/kern: test\n" \
	    $gmake -C "$TOP/tests/sys/kern" test
	# With two goals, one bmake runs after the other.
	cat > bin/bmake <<'EOM'
#!/bin/sh
echo "$@" start
# The other goal's bmake would have time to start.
case $* in
*all) i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done ;;
esac
echo "$@" end
EOM
	atf_check \
	    -o inline:"-j2 all start\n-j2 all end\n-j2 x start\n-j2 x end\n" \
	    $gmake -C "$TOP/lib" -j2 all x
}

# A program, and how a client's build system finds the library.
hello() {
	sed -n '/^    #include <sys/,/^[^ ]/s/^    //p' "$TOP/README" > hello.c
	PKG_CONFIG_PATH="$STAGE/lib/pkgconfig"
	LD_LIBRARY_PATH="$STAGE/lib"
	export PKG_CONFIG_PATH LD_LIBRARY_PATH
	export CC
	[ -z "$SAN" ] || CFLAGS="$SANFLAGS"
	export CFLAGS
}

atf_test_case pkgsrc
pkgsrc_head() {
	atf_set descr "pkgsrc's package builds, installs where pkgsrc looks," \
	    "and lists each file"
	atf_set timeout 600
}
pkgsrc_body() {
	local p="$TOP/share/pkgsrc/libworkqueue" pkg t

	# The rules of pkgsrc's guide for the variables and targets of a
	# package.
	mkdir -p mk devel/libworkqueue
	cp "$p"/* devel/libworkqueue
	cat > mk/bsd.prefs.mk <<'EOM'
OPSYS!=		uname -s
PREFIX=		/usr/pkg
PKGMANDIR=	man
FIND=		find
SORT=		sort
EOM
	: > mk/pthread.buildlink3.mk
	cat > mk/bsd.pkg.mk <<'EOM'
.for v in DISTNAME CATEGORIES MAINTAINER COMMENT LICENSE
.if empty(${v})
.error no ${v}
.endif
.endfor
name:
	@echo ${DISTNAME}
comment:
	@printf '%s' ${COMMENT:Q}
build:
	cd ${WRKSRC} && env ${MAKE_ENV} bmake ${MAKE_FLAGS} -f Makefile all
install:
	cd ${WRKSRC} && env ${MAKE_ENV} bmake ${MAKE_FLAGS} DESTDIR=${DESTDIR} \
	    -f Makefile install
plist:
	@{ ${GENERATE_PLIST} } 2>&1
EOM
	# On the objects of this build.
	printf 'WRKSRC=\t%s\nDESTDIR=\t%s\nMAKE_ENV=\t%s\n' "$TOP" \
	    "$PWD/dest" "HOST=$HOST SAN=$SAN CC=${CC%% *}" >> mk/bsd.prefs.mk
	pkg="env -u CFLAGS -u CXXFLAGS -u CPPFLAGS -u LDFLAGS -u WERROR
	    -u DESTDIR bmake -C devel/libworkqueue"
	atf_check -o ignore -e ignore $pkg build install
	(cd dest && find . ! -type d | sed 's,^\./,,' | sort) > files
	grep -v '^usr/pkg/' files && atf_fail "outside of PREFIX"
	sed 's,^usr/pkg/,,' files > want
	atf_check -o file:want $pkg plist
	for t in lib/libworkqueue.so man/man9/workqueue.9 \
	    lib/pkgconfig/workqueue.pc share/examples/workqueue/pcksum.c; do
		grep -qx "$t" want || atf_fail "no $t"
	done
	# The tarball is that of "bmake dist".
	t=$(bmake -C "$TOP" -V VERSION)
	atf_check -o inline:"libworkqueue-$t\n" $pkg name
	# pkglint's rules.
	atf_check -o inline:'# $NetBSD$\n' head -n 1 "$p/Makefile"
	atf_check -o match:'^.{1,70}$' -o not-match:'\.$' \
	    -o not-match:'^(A|An|The) ' $pkg comment
	[ "$(wc -l < "$p/DESCR")" -le 24 ] || atf_fail "a long DESCR"
	! grep -E '.{81}|[[:space:]]$' "$p"/* || atf_fail "a line of $p"
}

atf_test_case cmake
cmake_head() {
	atf_set descr "CMake builds a client"
	atf_set require.progs "cmake make"
}
cmake_body() {
	hello
	cat > CMakeLists.txt <<'EOC'
cmake_minimum_required(VERSION 3.18)
project(hello C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(WORKQUEUE REQUIRED IMPORTED_TARGET workqueue>=0.1)
add_executable(hello hello.c)
target_link_libraries(hello PkgConfig::WORKQUEUE)
EOC
	atf_check -o ignore -e ignore cmake -S . -B b
	atf_check -o ignore -e ignore cmake --build b
	atf_check -o inline:'hello from the worker, world\n' b/hello
}

atf_test_case meson
meson_head() {
	atf_set descr "Meson builds a client"
	atf_set require.progs "meson ninja"
}
meson_body() {
	hello
	cat > meson.build <<'EOC'
project('hello', 'c')
executable('hello', 'hello.c',
    dependencies: dependency('workqueue', version: '>=0.1'))
EOC
	atf_check -o ignore -e ignore meson setup b
	atf_check -o ignore -e ignore meson compile -C b
	atf_check -o inline:'hello from the worker, world\n' b/hello
}

atf_init_test_cases() {
	atf_add_test_case flags
	atf_add_test_case environment
	atf_add_test_case tools
	atf_add_test_case reproducible
	atf_add_test_case directories
	atf_add_test_case parallel
	atf_add_test_case tests
	atf_add_test_case dist
	atf_add_test_case gnumake
	atf_add_test_case pkgsrc
	atf_add_test_case cmake
	atf_add_test_case meson
}

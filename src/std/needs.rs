//! What each native needs of the outside: the one table that says it of all. Who needs something asks `cx.env.door` for
//! it; a test below finds natives that are not here, and `tests/architecture.rs` files that reach out and are no door.

/// What a native needs to be granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// That the files it names may be read or written.
    Files,
    /// That the variable may be read.
    Environment,
    /// That the host may be reached; of Unix sockets, that their file may be read and written.
    Network,
    /// That the program may be run, or that it is one that was started.
    Processes,
    /// That the process's signals may be heard.
    Signals,
    /// That the time, or the local zone, may be known; else it gets a clock of its own.
    Clock,
    /// That random numbers may be random; else they follow from a fixed number.
    Randomness,
    /// Nothing more: it works on what another native has opened or made.
    Descriptor,
    /// Nothing: standard streams, arguments and the exit status are always there.
    Stream,
    /// Nothing: it stays inside.
    Nothing,
}
use Need::*;

/// Needs, packages, and the names of their natives.
#[rustfmt::skip]
pub const NEEDS: &[(Need, &str, &str)] = &[
    (Files, "os", "change list open readlink stat text"),
    (Files, "path/filepath", "getwd"),
    (Environment, "os", "environ getenv"),
    (Network, "net", "bind connect interfaces listen lookup sendTo socket"),
    (Processes, "os", "kill processHandle startProcess waitProcess"),
    (Processes, "syscall", "kill"),
    (Processes, "os/exec", "folders isProgram"),
    (Signals, "os/signal", "handle next"),
    (Clock, "runtime", "SetBlockProfileRate SetMutexProfileFraction memStats"),
    (Clock, "runtime/pprof", "snapshot startCPU stopCPU"),
    (Clock, "time", "localName runtimeNow zoneAt zoneKnown zoneNamed"),
    (Randomness, "crypto/rand", "fill"),
    (Randomness, "hash/maphash", "random"),
    (Randomness, "math/rand", "random uniform"),
    (Randomness, "math/rand/v2", "random uniform"),
    (Randomness, "os", "random"),
    (Descriptor, "net", "accept closeSocket read receiveFrom setDeadline setOption shutdown socketName write"),
    (Descriptor, "os", "closeFile control pipe seek setDeadline"),
    (Stream, "fmt", "printOut"),
    (Stream, "os", "args exit read write"),
    (Nothing, "bufio", "Scanner.Text Scanner.next kindOf"),
    (
        Nothing,
        "bytes",
        "Compare Count Equal HasPrefix HasSuffix Index IndexAny IndexByte IndexRune LastIndex LastIndexAny \
         LastIndexByte Replace ToValidUTF8 changeCase equalFoldASCII fieldEnds splitEnds trimEnds \
         trimSpaceEnds",
    ),
    (Nothing, "compress/flate", "deflate drop inflate newDeflater newInflater"),
    (Nothing, "context", "comparable typeName"),
    (Nothing, "crypto/md5", "blocks finish"),
    (Nothing, "crypto/sha1", "blocks finish"),
    (Nothing, "crypto/sha256", "blocks finish"),
    (Nothing, "crypto/sha512", "blocks finish"),
    (Nothing, "encoding/base64", "decode encode"),
    (Nothing, "encoding/binary", "decode encode size typeName"),
    (Nothing, "encoding/hex", "decode encode"),
    (Nothing, "encoding/json", "check compact escape indent isNumber quote quoteByte token unquote valueEnd writePlain"),
    (Nothing, "errors", "assign comparable"),
    (Nothing, "flag", "zeroOf"),
    (Nothing, "fmt", "assign basic call format isNilPointer wrapArgs"),
    (Nothing, "hash/adler32", "update"),
    (Nothing, "hash/crc32", "update"),
    (Nothing, "hash/crc64", "update"),
    (Nothing, "hash/fnv", "update32 update64"),
    (Nothing, "hash/maphash", "hash"),
    (Nothing, "html", "entity"),
    (Nothing, "iter", "await handOver leave"),
    (
        Nothing,
        "math",
        "Abs Acos Acosh Asin Asinh Atan Atan2 Atanh Cbrt Ceil Copysign Cos Cosh Dim Erf Erfc Erfinv Exp Exp2 \
         Expm1 FMA Float32bits Float32frombits Float64bits Float64frombits Floor Frexp Gamma Hypot Ilogb J0 \
         J1 Jn Ldexp Lgamma Log Log10 Log1p Log2 Logb Max Min Mod Modf Nextafter Nextafter32 Pow Pow10 \
         Remainder Round RoundToEven Sin Sincos Sinh Sqrt Tan Tanh Trunc Y0 Y1 Yn",
    ),
    (
        Nothing,
        "math/big",
        "addNat andNat andNotNat divNat expNat gcdNat inverseNat mulNat orNat parseNat shlNat shrNat sqrtNat \
         subNat textNat xorNat",
    ),
    (Nothing, "math/bits", "Len64 Mul64 OnesCount64 Reverse64 ReverseBytes64 TrailingZeros64 div"),
    (
        Nothing,
        "math/rand",
        "expAccept expTry laggedSource.Int63 laggedSource.Seed laggedSource.Uint64 normAccept normTry \
         release",
    ),
    (Nothing, "math/rand/v2", "chachaBlock expAccept expTry normAccept normTry"),
    (Nothing, "os", "groups ids"),
    (
        Nothing,
        "reflect",
        "DeepEqual call gather makeClosure scatter tChanDir tElem tField tFunc \
         tFuncOf tKey tKind tLen tMake tMethod tName tNumField tNumMethod tParam tPkgPath tRelation tSize \
         tString tStructOf typeOf vAppend vAppendSlice vBool vBuffer vCap vChanOf vClose vComplex vConvert \
         vCopy vElem vEqual vField vFloat vIndex vInt vIsNil vIsZero vKind vLen vLoad vMakeChan vMakeMap \
         vMakeSlice vMapClear vMapEntries vMapIndex vMethod vNew vPack vPointer vReceived vRecv vSend vSet \
         vSetBytes vSetComplex vSetFloat vSetLen vSetMapIndex vSetString vSetWord vSetZero vSlice vString \
         vType vUint vZero",
    ),
    (
        Nothing,
        "internal/testhook",
        "CoverMode CoverProfile Covered InBubble NewGroup Reseed askStuck enterBubble leaveBubble mainEnds others \
         takeStuck verdict waitForEnd waitForOthers",
    ),
    (Nothing, "regexp", "QuoteMeta compile findAll isMatch replace"),
    (
        Nothing,
        "runtime",
        "Breakpoint GC GOMAXPROCS Goexit Gosched LockOSThread NumCPU NumGoroutine SetFinalizer Stack \
         UnlockOSThread addCleanup callers dropCleanup place records watchRate",
    ),
    (Nothing, "runtime/pprof", "askLeaks custom setLabels"),
    (Nothing, "runtime/debug", "SetMaxStack SetMaxThreads freeMemory setGCPercent setMemoryLimit traceAll"),
    (Nothing, "slices", "sortOrdered"),
    (Nothing, "sort", "sliceLen sortOrdered swapElems"),
    (Nothing, "strconv", "FormatFloat IsPrint Quote QuoteRune QuoteToASCII formatInt parseFloat parseUint unquote"),
    (
        Nothing,
        "strings",
        "Builder.Grow Builder.String Builder.Write Builder.WriteByte Builder.WriteRune Builder.WriteString \
         Clone Compare Contains ContainsAny ContainsRune Count Cut CutLast CutPrefix CutSuffix \
         HasPrefix HasSuffix Index IndexAny IndexByte IndexRune Join LastIndex LastIndexAny LastIndexByte \
         Replace ReplaceAll ToValidUTF8 Trim TrimLeft TrimPrefix TrimRight TrimSpace TrimSuffix changeCase \
         equalFoldASCII fields repeat replacePairs splitOnce toString",
    ),
    (
        Nothing,
        "sync",
        "Mutex.Lock Mutex.TryLock Mutex.Unlock RWMutex.Lock RWMutex.RLock RWMutex.RUnlock RWMutex.TryLock \
         RWMutex.TryRLock RWMutex.Unlock WaitGroup.Add WaitGroup.Done WaitGroup.Wait emptiedByCollector \
         notifyAdd notifyAll notifyOne notifyWait processor",
    ),
    (
        Nothing,
        "sync/atomic",
        "AddInt32 AddInt64 AddUint32 AddUint64 AddUintptr AndInt32 AndInt64 AndUint32 AndUint64 \
         AndUintptr CompareAndSwapInt32 CompareAndSwapInt64 CompareAndSwapUint32 CompareAndSwapUint64 \
         CompareAndSwapUintptr LoadInt32 LoadInt64 LoadUint32 LoadUint64 LoadUintptr \
         OrInt32 OrInt64 OrUint32 OrUint64 OrUintptr StoreInt32 StoreInt64 StoreUint32 \
         StoreUint64 StoreUintptr SwapInt32 SwapInt64 SwapUint32 SwapUint64 SwapUintptr \
         anyAdd anyAnd anyCompareAndSwap anyLoad anyOr anyStore anySwap sameType",
    ),
    (Nothing, "syscall", "ids strerror"),
    (Nothing, "time", "Sleep formatLayout hideBuffer parseLayout startTimer stopTimer"),
    (
        Nothing,
        "unicode",
        "IsDigit IsGraphic IsLetter IsLower IsMark IsNumber IsPrint IsPunct IsSpace IsSymbol IsTitle IsUpper \
         SimpleFold To ToLower ToTitle ToUpper caseRanges ranges",
    ),
    (Nothing, "weak", "load register"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn each_native_is_there_once() {
        let mut listed: BTreeMap<String, usize> = BTreeMap::new();
        for (_, package, names) in NEEDS {
            for name in names.split_whitespace() {
                *listed.entry(format!("{package}.{name}")).or_default() += 1;
            }
        }
        let twice: Vec<_> = listed.iter().filter(|(_, n)| **n > 1).collect();
        assert!(twice.is_empty(), "listed more than once: {twice:?}");
        let natives: Vec<&str> = crate::std::natives().iter().map(|n| n.0).collect();
        let unknown: Vec<_> = natives.iter().filter(|n| !listed.contains_key(**n)).collect();
        assert!(unknown.is_empty(), "say in NEEDS what these natives need: {unknown:?}");
        let gone: Vec<_> = listed.keys().filter(|n| !natives.contains(&n.as_str())).collect();
        assert!(gone.is_empty(), "no natives: {gone:?}");
    }
}

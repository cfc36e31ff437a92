import Foundation
import TestSupport

/// Does something on a thread whose stack holds random numbers: what is read there without having been set is different each time.
func onScribbledStack<Result>(seed: UInt64, _ body: () -> Result) -> Result {
    let stack = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: 1 << 18)
    defer { stack.deallocate() }
    var random = Seeded(seed)
    for word in stack.indices { stack[word] = random.next() }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstack(&attributes, stack.baseAddress!, stack.count * 8)

    var result: Result?
    withoutActuallyEscaping({ result = body() }) { work in
        let work = Work(work)
        var thread = pthread_t()
        let begun = pthread_create(
            &thread, &attributes,
            { work in
                Unmanaged<Work>.fromOpaque(work!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        precondition(begun == 0)
        pthread_join(thread, nil)
        extendLifetime(work)
    }
    return result!
}

private final class Work {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

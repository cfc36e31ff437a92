// Oracle: counting. Each unit of a run must be computed exactly once, before the run returns.
import CDynamax
import Synchronization
import Testing

/// A count for each unit.
private final class Counts {
    let units: UnsafeMutablePointer<Int32>
    let count: Int

    init(_ count: Int) {
        units = .allocate(capacity: count)
        units.initialize(repeating: 0, count: count)
        self.count = count
    }

    deinit { units.deallocate() }

    func run(on pool: OpaquePointer, units: Int, grain: Int) {
        let task: dx_task = { arguments, from, to in
            let counts = UnsafeMutablePointer<Int32>(mutating: arguments!.assumingMemoryBound(to: Int32.self))
            for unit in Int(from)..<Int(to) { counts[unit] += 1 }
        }
        dx_pool_run(pool, task, self.units, Int64(units), Int64(grain))
    }

    func areAll(_ value: Int32, below limit: Int) -> Bool {
        (0..<count).allSatisfy { units[$0] == ($0 < limit ? value : 0) }
    }
}

@Suite struct PoolTests {
    @Test(arguments: [1, 2, 3, 8])
    func `each unit is computed once`(threads: Int) throws {
        let pool = try #require(dx_pool_create(Int32(threads)))
        defer { dx_pool_destroy(pool) }
        #expect(dx_pool_threads(pool) == threads)
        for units in [0, 1, 2, 7, 64, 1000, 100_000] {
            for grain in [0, 1, 3, 64, 5000] {
                let counts = Counts(units + 1)
                counts.run(on: pool, units: units, grain: grain)
                #expect(counts.areAll(1, below: units), "\(threads) threads, \(units) units, grain \(grain)")
            }
        }
    }

    @Test func `chunks start at multiples of the grain`() throws {
        let pool = try #require(dx_pool_create(3))
        defer { dx_pool_destroy(pool) }
        let task: dx_task = { arguments, from, to in
            let bad = arguments!.assumingMemoryBound(to: Atomic<Int>.self)
            if from % 4 != 0 || to % 4 != 0 && to != 1003 { bad.pointee.add(1, ordering: .relaxed) }
        }
        let bad = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
        bad.initialize(to: Atomic(0))
        dx_pool_run(pool, task, bad, 1003, 4)
        #expect(bad.pointee.load(ordering: .relaxed) == 0)
        bad.deallocate()
    }

    @Test(arguments: [2, 5])
    func `many small runs`(threads: Int) throws {
        let pool = try #require(dx_pool_create(Int32(threads)))
        defer { dx_pool_destroy(pool) }
        let counts = Counts(64)
        for run in 0..<20_000 { counts.run(on: pool, units: 1 + run % 2 * 63, grain: 1) }
        #expect(counts.units[0] == 20_000 && (1..<64).allSatisfy { counts.units[$0] == 10_000 })
    }

    @Test func `callers take turns`() async throws {
        let pool = try #require(dx_pool_create(3))
        let address = UInt(bitPattern: pool)
        await withTaskGroup(of: Bool.self) { group in
            for caller in 0..<4 {
                group.addTask {
                    let counts = Counts(100)
                    for _ in 0..<500 {
                        counts.run(on: OpaquePointer(bitPattern: address)!, units: 40 + caller, grain: 1)
                    }
                    return counts.areAll(500, below: 40 + caller)
                }
            }
            for await good in group { #expect(good) }
        }
        dx_pool_destroy(pool)
    }

    /// Workers that sleep must wake, and pools must come and go.
    @Test func `sleeping workers wake`() async throws {
        for _ in 0..<20 {
            let pool = try #require(dx_pool_create(4))
            let counts = Counts(100)
            counts.run(on: pool, units: 100, grain: 1)
            try await Task.sleep(for: .milliseconds(2))
            counts.run(on: pool, units: 100, grain: 1)
            #expect(counts.areAll(2, below: 100))
            dx_pool_destroy(pool)
        }
    }

    @Test func `impossible pools are refused`() {
        #expect(dx_pool_create(0) == nil)
        #expect(dx_pool_create(-1) == nil)
        #expect(dx_pool_create(.max) == nil)
        #expect(dx_processors() >= 1)
    }
}

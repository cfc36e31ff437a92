import DynamaxTensor
import Testing

@Suite struct StorageTests {
    @Test(
        "storage that is let go is used again, whatever else of its size is held",
        arguments: [4 << 10, 100 << 10, 3 << 20])
    func reuse(_ bytes: Int) throws {
        let device = try Device(threads: 1)
        let held = (0..<100).map { _ in device.storage(bytes: bytes) }
        var addresses = Set(held.map(\.address))
        #expect(addresses.count == held.count)
        for _ in 0..<2000 { addresses.insert(device.storage(bytes: bytes).address) }
        #expect(addresses.count <= held.count + 4)
        extendLifetime(held)
    }
}

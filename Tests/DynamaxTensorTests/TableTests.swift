// Oracle: the tables themselves, which must be whole and found by their names.
import CDynamax
import DynamaxTensor
import Testing

@Suite struct TableTests {
    @Test func `every table is complete`() throws {
        for isa in 0..<DX_ISA_COUNT.rawValue {
            guard let table = dx_kernels_of(dx_isa(isa)) else { continue }
            // The fields from the first product on are all function pointers.
            let fields = UnsafeRawPointer(table).assumingMemoryBound(to: UInt.self)
            let first = MemoryLayout<dx_kernels>.offset(of: \.product_f32)! / MemoryLayout<UInt>.size
            for field in first..<MemoryLayout<dx_kernels>.size / MemoryLayout<UInt>.size { #expect(fields[field] != 0) }
            #expect(table.pointee.name != nil)
        }
        #expect(dx_kernels_of(DX_SCALAR) != nil)
        #expect(dx_kernels_of(DX_ISA_COUNT) == nil)
    }

    @Test(arguments: Device.InstructionSet.allCases)
    func `devices run the instructions they are asked for`(set: Device.InstructionSet) throws {
        guard set.isAvailable else {
            #expect(throws: DeviceError.instructionSet("\(set)")) { _ = try Device(threads: 1, instructionSet: set) }
            return
        }
        let device = try Device(threads: 1, instructionSet: set)
        #expect(device.instructionSetName == "\(set)")
    }

    /// One product on devices of different threads.
    @Test(arguments: [1, 2, 3, 7])
    func `the number of threads does not change a bit`(threads: Int) throws {
        let problem = ProductProblem(rows: 9, inputs: 301, outputs: 250, format: .bf16), inputs = problem.inputs()
        func product(_ threads: Int) throws -> [Float] {
            let device = try Device(threads: threads), weights = inputs["w"]!
            let matrix = PackedMatrix(outputs: 250, inputs: 301, format: .bf16, on: device) { rows, numbers in
                for (index, weight) in weights[(rows.lowerBound * 301)..<(rows.upperBound * 301)].enumerated() {
                    numbers[index] = weight
                }
            }
            return matrix.multiply(Tensor(inputs["x"]!, [9, 301], on: device)).array
        }
        let many = try product(threads), one = try product(1)
        #expect(sameBits(many, one))
    }
}

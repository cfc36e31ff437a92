import DynamaxTensor

/// An operation on images, with or without parameters.
struct ImageCase: Sendable, CustomStringConvertible {
    enum Kind {
        case convolution(stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1)
        case maximum(ImageWindow)
        case mean(ImageWindow)
        case global
    }

    let name: String
    let kind: Kind

    var description: String { name }

    /// As in Tests/Fixtures/Scripts/make_image_fixtures.py.
    static let all = [
        ImageCase(name: "plain", kind: .convolution(padding: 1)),
        ImageCase(name: "dilated", kind: .convolution(stride: 2, padding: 2, dilation: 2)),
        ImageCase(name: "grouped", kind: .convolution(padding: 1, groups: 2)),
        ImageCase(name: "depthwise", kind: .convolution(padding: 1, groups: 20)),
        ImageCase(name: "pixel", kind: .convolution()),
        ImageCase(name: "strided pixel", kind: .convolution(stride: 2, groups: 2)),
        ImageCase(name: "patches", kind: .convolution(stride: 4)),
        ImageCase(name: "largest", kind: .maximum(ImageWindow(height: 3, width: 3, stride: 2, padding: 1))),
        ImageCase(name: "largest dilated", kind: .maximum(ImageWindow(height: 2, width: 3, padding: 1, dilation: 2))),
        ImageCase(name: "mean", kind: .mean(ImageWindow(height: 3, width: 3, stride: 2, padding: 1))),
        ImageCase(name: "global", kind: .global),
    ]

    /// Applies the operation.
    func callAsFunction(_ x: ImageRows, weights: Tensor?, bias: Tensor?) -> ImageRows {
        switch kind {
        case .convolution(let stride, let padding, let dilation, let groups):
            x.convolved(
                with: weights!, bias: bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
        case .maximum(let window): x.maxPooled(window)
        case .mean(let window): x.averagePooled(window)
        case .global: ImageRows(x.globallyAveragePooled(), images: x.images, height: 1, width: 1)
        }
    }
}

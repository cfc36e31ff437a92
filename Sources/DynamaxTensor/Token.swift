/// The number of a piece of text in a vocabulary.
public typealias Token = Int32

public import ArgumentParser
public import DynamaxDepth

extension StateRule: ExpressibleByArgument {}

import MarsBase

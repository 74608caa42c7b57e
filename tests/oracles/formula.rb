# Holds a formula against what Homebrew calls of it: formula.rb FORMULA PREFIX, in the unpacked archive.
#
# Prints where the archive is fetched from and its sum, one a line; then installs into PREFIX and runs the test.

require "pathname"

class Formula
  FACTS = {}

  class << self
    %i[desc homepage url sha256 license depends_on].each do |name|
      define_method(name) { |*values| FACTS[name] = values.first }
    end

    def test(&block)
      define_method(:check, &block)
    end
  end

  # Homebrew, too, takes it from there.
  def version = FACTS.fetch(:url)[/-(\d+\.\d+\.\d+)-/, 1]

  def prefix = @prefix ||= Pathname(ARGV.fetch(1)).tap { |prefix| prefix.define_singleton_method(:install) { |files| FileUtils.mv(files, self) } }

  def bin = prefix / "bin"

  def system(*words)
    Kernel.system(*words.map(&:to_s)) or raise "failed: #{words.first}"
  end

  def shell_output(command) = `#{command}`.tap { $?.success? or raise "failed: #{command}" }

  def assert_match(expected, text)
    text.include?(expected) or raise "#{expected} is not in #{text}"
  end
end

require "fileutils"
load ARGV.fetch(0)
puts Formula::FACTS.values_at(:url, :sha256)
formula = ClearmlSecure.new
formula.install
formula.check

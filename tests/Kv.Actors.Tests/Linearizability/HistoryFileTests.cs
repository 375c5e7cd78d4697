using Kv.Testing.Histories;
using static Kv.Actors.Tests.Linearizability.OneKey;

namespace Kv.Actors.Tests.Linearizability;

/// <summary>Histories as lines of text.</summary>
public sealed class HistoryFileTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        Operation[] history =
        [
            Put("a \"quoted\" value", 0, 9),
            Get(null, 1, 5),
            Delete(true, 2, 6),
            Swap("1", "2", null, 3),
            Swap(null, "2", false, 4, 7),
        ];

        string[] lines = [.. HistoryFile.ToEvents(history).Select(HistoryFile.ToLine)];

        Assert.Equal(history, HistoryFile.ToOperations(HistoryFile.Read(lines)));
    }

    [Fact]
    public void A_line_is_short_and_readable()
    {
        string[] lines = [.. HistoryFile.ToEvents([Put("1", 10, 20)]).Select(HistoryFile.ToLine)];

        Assert.Equal(
            [
                """{"event":"call","op":10,"at":10,"client":"c","kind":"put","key":"k","value":"1"}""",
                """{"event":"return","op":10,"at":20}""",
            ],
            lines);
    }

    [Fact]
    public void The_recorder_leaves_out_what_was_refused_and_keeps_open_what_never_ended()
    {
        var output = new StringWriter();
        long now = 0;
        var recorder = new HistoryRecorder(output, () => ++now);
        long answered = recorder.Call("a", OperationKind.Get, "k");
        long refused = recorder.Call("b", OperationKind.Put, "k", "1");
        long given = recorder.Call("c", OperationKind.Put, "k", "2");
        recorder.Call("d", OperationKind.Delete, "k");
        recorder.Return(answered, read: "0");
        recorder.Refused(refused);
        recorder.Unknown(given);

        IReadOnlyList<Operation> history = HistoryFile.ToOperations(
            HistoryFile.Read(output.ToString().Split('\n')));

        Assert.Equal(
            ["a get k -> 0 (1..5)", "c put k = 2 (3..unknown)", "d delete k (4..unknown)"],
            history.Select(static operation => operation.ToString()));
    }

    [Theory]
    [InlineData("""{"event":"return","op":1,"at":1}""")]
    [InlineData("""{"event":"call","op":1,"at":1,"key":"k"}""")]
    [InlineData("""{"event":"dance","op":1,"at":1}""")]
    [InlineData("not json")]
    public void A_line_that_makes_no_sense_is_refused(string line) =>
        Assert.Throws<FormatException>(() => HistoryFile.ToOperations(HistoryFile.Read([line])));
}

use super::*;

/// The same rows on the host, and as a device's tensor (candle's own processor device).
fn both(rows: &Matrix) -> [Rows; 2] {
    let shape = (rows.rows(), rows.cols());
    let tensor = Tensor::from_slice(rows.data(), shape, &Device::Cpu).unwrap();
    let device = Rows {
        len: rows.rows(),
        store: Arc::new(Store::Device(tensor)),
        map: None,
        transform: RowTransform::default(),
        longest: OnceLock::new(),
    };
    [Rows::new(rows.clone(), &Device::Cpu).unwrap(), device]
}

fn random(rng: &mut fastrand::Rng, rows: usize, cols: usize) -> Matrix {
    // Small whole numbers: every sum is exact, in whatever order it is taken.
    let data = (0..rows * cols).map(|_| rng.i32(-4..=4) as f32).collect();
    Matrix::new(rows, cols, data)
}

#[test]
fn a_device_answers_as_the_host_does() {
    let mut rng = fastrand::Rng::with_seed(3);
    let n = CHUNK_ROWS * 2 + 77;
    let (rows, vectors) = (random(&mut rng, n, 24), random(&mut rng, 3, 24));
    let w = random(&mut rng, 24, 5);
    let flags: Vec<bool> = (0..n).map(|_| rng.bool()).collect();
    let passing = Passing {
        flags: &flags,
        first_id: 10,
    };
    let lists = both(&rows).map(|rows| {
        let mut ends = vec![BothEnds::new(40); 3];
        rows.offer_scores(&vectors, passing, &mut ends, CancelToken::never())
            .unwrap();
        let lists = ends
            .into_iter()
            .map(|e| (e.highest.into_sorted(), e.lowest.into_sorted()));
        (
            lists.collect::<Vec<_>>(),
            rows.times(&w, CancelToken::never()).unwrap(),
        )
    });
    assert_eq!(lists[0], lists[1]);
    for (list, _) in &lists[0].0 {
        assert_eq!(list.len(), 40);
        assert!(list.iter().all(|s| s.id >= 10 && flags[s.id as usize - 10]));
    }
}

#[test]
fn calling_off_is_not_an_answer() {
    let mut rng = fastrand::Rng::with_seed(4);
    let (rows, w) = (random(&mut rng, 600, 8), random(&mut rng, 8, 2));
    let flags = vec![true; 600];
    let passing = Passing {
        flags: &flags,
        first_id: 0,
    };
    for rows in both(&rows) {
        let mut ends = vec![BothEnds::new(5); 1];
        let vector = random(&mut rng, 1, 8);
        let cancel = CancelToken::new(&|| true);
        let offered = rows.offer_scores(&vector, passing, &mut ends, cancel);
        assert!(matches!(offered, Err(ProjectionError::Cancelled(_))));
        let product = rows.times(&w, cancel);
        assert!(matches!(product, Err(ProjectionError::Cancelled(_))));
    }
}
